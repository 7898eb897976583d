from django.apps import AppConfig

from learning.choice_sources import add_choice_source
from learning.review_sources import add_review_source
from learning.score_sources import add_score_source
from organizations.erasers import add_eraser


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        add_eraser("annotation.services.erasure.forget_reviews")
        add_review_source("annotation.services.given_reviews.given_reviews")
        add_choice_source("annotation.services.given_choices.given_choices")
        add_score_source("annotation.services.given_scores.given_scores")
