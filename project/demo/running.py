"""The product for the length of the demo: the one that runs already, or one of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from project.services.addresses import model_url
from project.services.console import Console
from project.services.errors import ServiceError
from project.services.local_model import serves
from project.services.lock import Lock
from project.services.options import Options
from project.services.place import ADDRESS_FILE, Place, default_name
from project.services.ports import answers
from project.services.product import Product


@contextmanager
def running_product(say: Callable[[str], None], *, may_start: bool = True) -> Iterator[str]:
    """The address of the web server, e.g. "http://127.0.0.1:8000/".

    Starts database, broker, model, web, worker and beat when nothing answers there, and stops them afterwards. Raises
    ServiceError when something does not start, or when nothing answers and nothing may be started.
    """
    options = Options.from_environment()
    address = _own_address() or options.address
    if answers(address):
        _demand_model(options)
        yield address
        return
    if not may_start:
        raise ServiceError(f"Nothing answers at {address}.")
    say("The product is not running: starting it for the demo.")
    with Product(options, Console()):
        settings.OPENAI_BASE_URL = options.model_url or model_url()  # its port may be another than at the last start
        _demand_model(options)
        yield options.address


def _own_address() -> str:
    """Where the product that runs from this folder answers, whichever port it was given; empty when none runs."""
    state = Place(default_name()).state
    address = state / ADDRESS_FILE
    return address.read_text().strip() if address.exists() and Lock(state / "lock").is_held() else ""


def _demand_model(options: Options) -> None:
    """Somebody else's server (OPENAI_BASE_URL) need not list its models: there the first question tells."""
    if not options.model_url and not serves(settings.OPENAI_BASE_URL, timeout=10):
        raise ServiceError(f"The local model does not answer at {settings.OPENAI_BASE_URL}. Start the product with it.")
