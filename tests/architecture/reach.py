"""Which rows a route could tell something of: those of the tables in which it looks for the name in its address.

A view that finds nothing under a name asks the database the same for every such name. So one name that nobody has shows
in which tables a row could be found at all, by its own name or by that of a row which it points at; the rows of all
other tables need not be tried one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from organizations.identifiers import as_uuid
from organizations.models import Organization

NOBODYS = ("01a1fc82-37da-7159-b74f-6823bb618808", "foreign-nobody")  # an identifier and a name
METHOD_NOT_ALLOWED = 405


def names_to_try(route: str, ask: Callable[[str], Any], names: Mapping[type[Model], Sequence[str]]) -> list[str]:
    """The names of the rows that a request could find; `ask` sends it for a name, `names` holds all names by table.

    None for a method that is refused whatever the name; all of them when no query shows where the name is looked for.
    """
    tables: set[str] = set()
    for name in filter(fitting(route), NOBODYS):
        with CaptureQueriesContext(connection) as asked:
            answer = ask(name)
        if answer.status_code == METHOD_NOT_ALLOWED:
            return []
        for query in asked:
            if plain(name) in plain(query["sql"]):
                tables |= set(re.findall(r"\w+", query["sql"]))
    reached = {model for model in names if model._meta.db_table in tables}
    references = [field for model in reached for field in model._meta.local_fields if field.is_relation]
    reached |= {field.remote_field.model for field in references} - {Organization}  # at which every table points
    found = [name for model, own in names.items() if model in reached for name in own]
    return list(filter(fitting(route), found or [name for own in names.values() for name in own]))


def fitting(route: str) -> Callable[[str], bool]:
    """Whether a name can stand in an address of the route: in some there is room for identifiers alone."""
    return (lambda name: as_uuid(name) is not None) if "<uuid:" in route else bool


def plain(text: str) -> str:
    """Identifiers are sent to the database with and without their dashes."""
    return text.replace("-", "")
