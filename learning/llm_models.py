"""Which models an endpoint has, as it says itself at GET /models. Not httpx: the web process asks too.

Nobody has to answer there. An endpoint that says nothing that can be understood is taken at its word later.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Collection
from fnmatch import fnmatchcase
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

PATIENCE = 2.0  # seconds
REMEMBERED = 60.0  # seconds that a list, or silence, is believed
NEVER = float("inf")  # an endpoint without the page is not asked again by this process
LARGEST_LIST = 4_000_000  # bytes
SHOWN = 5  # names in a message
LISTS_WHAT_COULD_BE = (".azure.com",)  # models that may be deployed there, under names of their own

_lock = threading.Lock()
_known: dict[tuple[str, str], tuple[float, tuple[str, ...] | None]] = {}


def listed_models(base_url: str, api_key: str) -> tuple[str, ...] | None:
    """The models that the endpoint lists; None when it does not say. Asks once a minute at most."""
    key = base_url.rstrip("/"), api_key
    with _lock:
        until, models = _known.get(key, (0.0, None))
    if time.monotonic() < until:
        return models
    models, patience = _ask(*key)
    with _lock:
        _known[key] = time.monotonic() + patience, models
    return models


def forget_listed() -> None:
    """As if nothing had been asked."""
    with _lock:
        _known.clear()


def lacks(models: Collection[str], wanted: str) -> bool:
    """Whether no listed name means the wanted model: some write a maker before it or `:latest` behind it."""
    return not any(_means(one.casefold(), wanted.casefold()) for one in models)


def told(models: Collection[str]) -> str:
    """The names for a message, no more than a few."""
    first = ", ".join([*models][:SHOWN])
    return f"{first} and {len(models) - SHOWN:,} more" if len(models) > SHOWN else first


def differs(asked: str, answered: str) -> bool:
    """Whether an answer comes from another model: a date or a maker around the name is the same one."""
    one, other = (name.casefold().rpartition("/")[2] for name in (asked, answered))
    return bool(other) and one not in other and other not in one


def _means(listed: str, wanted: str) -> bool:
    short = listed.rpartition("/")[2], wanted.rpartition("/")[2]
    latest = listed == f"{wanted}:latest" or wanted.startswith(f"{listed}:")
    return short[0] == short[1] or latest or ("*" in listed and fnmatchcase(wanted, listed))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _may_be_asked(base_url: str) -> bool:
    try:
        address = urlsplit(base_url)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and not (address.hostname or "").endswith(LISTS_WHAT_COULD_BE)


def _ask(base_url: str, api_key: str) -> tuple[tuple[str, ...] | None, float]:
    """What is listed, and for how many seconds to believe it."""
    if not _may_be_asked(base_url):
        return None, NEVER
    headers = {"Authorization": f"Bearer {api_key or 'none'}", "Accept": "application/json"}
    try:
        request = urllib.request.Request(f"{base_url}/models", headers=headers)  # noqa: S310 - http or https
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=PATIENCE) as response:
            content = response.read(LARGEST_LIST + 1)
    except HTTPError as error:
        return None, NEVER if error.code in (404, 405, 501) else REMEMBERED
    except (OSError, HTTPException, ValueError):
        return None, REMEMBERED
    return _read(content), REMEMBERED


def _read(content: bytes) -> tuple[str, ...] | None:
    """The names and aliases; None for any other shape, and for an empty list."""
    try:
        entries = json.loads(content)["data"]
        names = [str(name) for one in entries for name in (one["id"], *(one.get("aliases") or ()))]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return tuple(dict.fromkeys(names)) or None
