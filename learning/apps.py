from django.apps import AppConfig

from organizations.redaction_samples import add_sample


class LearningConfig(AppConfig):
    name = "learning"

    def ready(self) -> None:
        add_sample("learning.services.redaction_rules.recent_texts")
