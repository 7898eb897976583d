"""The running product for pages of other origins: as in production its static files come through the middleware,
with the headers that let other origins load them. (pytest-django's `live_server` serves them around the middleware.)"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.handlers.wsgi import WSGIHandler
from django.test.testcases import LiveServerThread


@contextmanager
def running_product() -> Iterator[str]:
    """Its address. Needs `django_db(transaction=True)`."""
    server = LiveServerThread("127.0.0.1", lambda around: WSGIHandler(), port=0)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.terminate()
