"""Which rows a route could tell something of: those of the tables in which it looks for the name in its address.

A view that finds nothing under a name asks the database the same for every such name. So one name that nobody has shows
in which tables a row could be found at all, and the rows of all other tables need not be tried one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

NOBODYS = ("01a1fc82-37da-7159-b74f-6823bb618808", "foreign-nobody")  # an identifier and a name
METHOD_NOT_ALLOWED = 405


def names_to_try(ask: Callable[[str], Any], names: Mapping[type[Model], Sequence[str]]) -> list[str]:
    """The names of the rows that a request could find; `ask` sends it for a name, `names` holds all names by table.

    None for a method that is refused whatever the name; all of them when no query shows where the name is looked for.
    """
    tables: set[str] = set()
    for name in NOBODYS:
        with CaptureQueriesContext(connection) as asked:
            answer = ask(name)
        if answer.status_code == METHOD_NOT_ALLOWED:
            return []
        for query in asked:
            if plain(name) in plain(query["sql"]):
                tables |= set(re.findall(r"\w+", query["sql"]))
    found = [name for model, own in names.items() if model._meta.db_table in tables for name in own]
    return found or [name for own in names.values() for name in own]


def plain(text: str) -> str:
    """Identifiers are sent to the database with and without their dashes."""
    return text.replace("-", "")
