"""Under /api/learning/."""

from django.urls import path

from annotation.api.annotations import AnnotationViewSet, DraftView, UndoView
from annotation.api.queue import HeartbeatView, NextItemView, QueueView, ReleaseView, SkipView

urlpatterns = [
    path("annotations", AnnotationViewSet.as_view({"get": "list", "post": "create"}), name="annotations"),
    path("annotations/queue", QueueView.as_view(), name="annotation-queue"),
    path("annotations/queue/next", NextItemView.as_view(), name="annotation-next"),
    path("annotations/queue/<uuid:slot>/heartbeat", HeartbeatView.as_view(), name="annotation-heartbeat"),
    path("annotations/queue/<uuid:slot>/release", ReleaseView.as_view(), name="annotation-release"),
    path("annotations/queue/<uuid:slot>/skip", SkipView.as_view(), name="annotation-skip"),
    path("annotations/drafts/<uuid:example>", DraftView.as_view(), name="annotation-draft"),
    path("annotations/<str:pk>", AnnotationViewSet.as_view({"get": "retrieve"}), name="annotation"),
    path("annotations/<uuid:pk>/undo", UndoView.as_view(), name="annotation-undo"),
]
