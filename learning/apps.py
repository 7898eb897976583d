from django.apps import AppConfig

from organizations.erasers import add_eraser
from organizations.redaction_samples import add_sample


class LearningConfig(AppConfig):
    name = "learning"

    def ready(self) -> None:
        add_eraser("learning.services.insight_erasure.forget_preferences")
        add_sample("learning.services.redaction_rules.recent_texts")
