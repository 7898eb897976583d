"""Is a port free, and does something answer on it?"""

from __future__ import annotations

import http.client
import os
import socket
from urllib.parse import urlsplit

from project.services.errors import ServiceError
from project.services.place import TYPED

LOOKED_AT = 100  # ports after a taken one, for one to propose


def demand_free(host: str, port: int, *, variable: str, purpose: str) -> None:
    """Raises ServiceError, naming a port that is free, when nothing can listen there."""
    obstacle = obstacle_at(host, port)
    if obstacle:
        following = range(port + 1, min(port + LOOKED_AT, 65535) + 1)
        free = next((other for other in following if not obstacle_at(host, other)), port + 1)
        again = "make run" if os.environ.get("ALS_DIE_WITH_PARENT") else f"{TYPED} up"
        raise ServiceError(
            f"Port {port} on {host} cannot be used for the {purpose}: {obstacle}."
            f" Choose another one: {variable}={free} {again}"
        )


def obstacle_at(host: str, port: int) -> str:
    """Why nothing can listen there; empty when the port is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return ""


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
