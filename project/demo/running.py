"""The product for the length of the demo: the one that runs already, or one of our own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings

from project.services import programs
from project.services.children import Child
from project.services.cluster import Cluster
from project.services.errors import ServiceError
from project.services.local_model import serves
from project.services.options import Options
from project.services.place import PROJECT_DIR, Place
from project.services.ports import answers, demand_free
from project.services.processes import last_lines

PATIENCE = 180  # seconds for everything to answer
TICK = 0.2


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
    with ExitStack() as stack:
        children = _start(options, stack)
        _wait(children, lambda: answers(options.address) and serves(settings.OPENAI_BASE_URL), "The product")
        yield options.address


def _start(options: Options, stack: ExitStack) -> list[Child]:
    demand_free(options.host, options.port, variable="PORT", purpose="pages")
    wanted = {"want_postgres": not options.database_url, "want_valkey": not options.redis_url}
    cluster = stack.enter_context(Cluster(options.name, **wanted))
    children = [] if options.model_url or serves(settings.OPENAI_BASE_URL) else [_child(programs.model(options), stack)]
    for command in ("migrate", "seed_demo"):
        _run_to_end(command, cluster.place)
    product = (programs.web(options), programs.worker(), programs.beat(cluster.place))
    return children + [_child(program, stack) for program in product]


def _child(program: programs.Program, stack: ExitStack) -> Child:
    child = Child(program, Place(settings.SERVICES_NAME))
    child.start()
    stack.callback(child.stop)
    return child


def _run_to_end(command: str, place: Place) -> None:
    done = subprocess.run(programs.manage(command), cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"`manage.py {command}` failed:\n{done.stderr[-1500:]}")


def _wait(children: list[Child], ready: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        for child in children:
            if child.watch():
                raise ServiceError(f"{child.name} does not start. {child.log}:\n{last_lines(child.log)}")
        if time.monotonic() > deadline:
            raise ServiceError(f"{name} did not answer within {PATIENCE} s. The logs are in {children[0].log.parent}.")
        time.sleep(TICK)


def _demand_model() -> None:
    if not serves(settings.OPENAI_BASE_URL, api_key=settings.OPENAI_API_KEY, timeout=10):
        raise ServiceError(
            f"No language model answers at {settings.OPENAI_BASE_URL}. Start the product with its model."
        )
