"""The product for the length of the demo: the one that runs already, or one of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from project.services.console import Console
from project.services.errors import ServiceError
from project.services.local_model import serves
from project.services.options import Options
from project.services.ports import answers
from project.services.product import Product


@contextmanager
def running_product(say: Callable[[str], None]) -> Iterator[str]:
    """The address of the web server, e.g. "http://127.0.0.1:8000/".

    Starts database, broker, model, web, worker and beat when nothing answers there, and stops them afterwards. Raises
    ServiceError when something does not start.
    """
    options = Options.from_environment()
    if answers(options.address):
        _demand_model()
        yield options.address
        return
    say("The product is not running: starting it for the demo.")
    with Product(options, Console()):
        _demand_model()
        yield options.address


def _demand_model() -> None:
    if not serves(settings.OPENAI_BASE_URL, api_key=settings.OPENAI_API_KEY, timeout=10):
        raise ServiceError(
            f"No language model answers at {settings.OPENAI_BASE_URL}. Start the product with its model."
        )
