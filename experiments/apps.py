from django.apps import AppConfig

from organizations.erasers import add_eraser


class ExperimentsConfig(AppConfig):
    name = "experiments"

    def ready(self) -> None:
        add_eraser("experiments.services.erasure.forget_exposures")
