"""Under /admin/learning/annotation/."""

from django.urls import path

from annotation.pages import desk

urlpatterns = [
    path("", desk.desk, name="review-desk"),
    path("undo/", desk.undo, name="review-undo"),
    path("recall/", desk.recall, name="review-recall"),
]
