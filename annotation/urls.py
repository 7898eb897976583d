"""Under /admin/learning/annotation/."""

from django.urls import path

from annotation import pages

urlpatterns = [
    path("", pages.desk, name="review-desk"),
    path("undo/", pages.undo, name="review-undo"),
    path("recall/", pages.recall, name="review-recall"),
]
