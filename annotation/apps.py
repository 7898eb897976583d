from django.apps import AppConfig

from organizations.erasers import add_eraser


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        add_eraser("annotation.services.erasure.forget_reviews")
