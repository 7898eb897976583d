"""Is a port free, and does something answer on it?"""

from __future__ import annotations

import http.client
import os
import socket
from urllib.parse import urlsplit

from project.services.errors import ServiceError


def demand_free(host: str, port: int, *, variable: str, purpose: str) -> None:
    """Raises ServiceError, saying how to choose another port, when nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            again = "make run" if os.environ.get("ALS_DIE_WITH_PARENT") else "python manage.py up"
            raise ServiceError(
                f"Port {port} on {host} cannot be used for the {purpose}: {error.strerror}."
                f" Choose another one: {variable}={port + 1} {again}"
            ) from error


def answers(address: str) -> bool:
    """True when a web server gives any answer at an http:// address."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("HEAD", "/login/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
