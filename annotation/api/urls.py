"""Under /api/learning/."""

from django.urls import path

from annotation.api.annotations import AnnotationViewSet, DraftView, UndoView
from annotation.api.insights import AgreementView, ExpertsView, PlanView, ProgressView, ResumeView
from annotation.api.managing import (
    FlagsView,
    GoldItemView,
    GoldView,
    QueueDetailView,
    QueuesView,
    ResolveFlagView,
    RubricsView,
    RubricView,
)
from annotation.api.queue import (
    ClaimView,
    FlagView,
    HeartbeatView,
    NextDisputeView,
    NextItemView,
    QueueView,
    ReleaseView,
    SkipView,
)

urlpatterns = [
    path("annotations", AnnotationViewSet.as_view({"get": "list", "post": "create"}), name="annotations"),
    path("annotations/queue", QueueView.as_view(), name="annotation-queue"),
    path("annotations/queue/next", NextItemView.as_view(), name="annotation-next"),
    path("annotations/queue/next-dispute", NextDisputeView.as_view(), name="annotation-next-dispute"),
    path("annotations/queue/<uuid:slot>/claim", ClaimView.as_view(), name="annotation-claim"),
    path("annotations/queue/<uuid:slot>/heartbeat", HeartbeatView.as_view(), name="annotation-heartbeat"),
    path("annotations/queue/<uuid:slot>/release", ReleaseView.as_view(), name="annotation-release"),
    path("annotations/queue/<uuid:slot>/skip", SkipView.as_view(), name="annotation-skip"),
    path("annotations/queue/<uuid:slot>/flag", FlagView.as_view(), name="annotation-flag"),
    path("annotations/drafts/<uuid:example>", DraftView.as_view(), name="annotation-draft"),
    path("annotations/agreement", AgreementView.as_view(), name="annotation-agreement"),
    path("annotations/experts", ExpertsView.as_view(), name="annotation-experts"),
    path("annotations/experts/<uuid:seat>/resume", ResumeView.as_view(), name="annotation-expert-resume"),
    path("annotations/plan", PlanView.as_view(), name="annotation-plan"),
    path("annotations/progress", ProgressView.as_view(), name="annotation-progress"),
    path("annotations/flags", FlagsView.as_view(), name="annotation-flags"),
    path("annotations/flags/<uuid:flag>/resolve", ResolveFlagView.as_view(), name="annotation-flag-resolve"),
    path("annotations/queues", QueuesView.as_view(), name="annotation-queues"),
    path("annotations/queues/<uuid:queue>", QueueDetailView.as_view(), name="annotation-queue-detail"),
    path("annotations/rubrics", RubricsView.as_view(), name="annotation-rubrics"),
    path("annotations/rubrics/<uuid:rubric>", RubricView.as_view(), name="annotation-rubric"),
    path("annotations/gold", GoldView.as_view(), name="annotation-gold"),
    path("annotations/gold/<uuid:item>", GoldItemView.as_view(), name="annotation-gold-item"),
    path("annotations/<str:pk>", AnnotationViewSet.as_view({"get": "retrieve"}), name="annotation"),
    path("annotations/<uuid:pk>/undo", UndoView.as_view(), name="annotation-undo"),
]
