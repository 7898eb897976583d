"""Whether an answer is JSON of the wanted shape. Pure.

The schema comes from a person: nothing that it names is fetched, and its patterns run in bounded time (RE2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from learning.engines.types import canonical_json

LONGEST_SCHEMA = 20_000  # characters
REFUSED = ("patternProperties", "$dynamicRef", "$recursiveRef")  # would need unbounded patterns or endless descent

DATA = ("const", "enum", "default", "examples")  # what stands under these is no schema


class JsonSchema:
    """1.0 when the answer is JSON that fits the schema. The wanted answer is not looked at.

    Raises ValueError for a schema that is none.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = canonical_json(schema)
        if len(self._schema) > LONGEST_SCHEMA:
            raise ValueError(f"A schema has at most {LONGEST_SCHEMA:,} characters.")
        for key in REFUSED:
            if key in set(_keys(schema)):
                raise ValueError(f"{key} is not supported in a schema here.")
        _validator(self._schema)

    def __call__(self, output: str, expected: str, /) -> float:
        try:
            value = json.loads(output)
            return float(_validator(self._schema).is_valid(value))
        except (ValueError, RecursionError):
            return 0.0


def same_json(output: str, expected: str, /) -> float:
    """1.0 when both are JSON with the same content, whatever the order of keys and the white space."""
    try:
        return float(canonical_json(json.loads(output)) == canonical_json(json.loads(expected)))
    except (ValueError, RecursionError):
        return float(output.strip() == expected.strip())


@lru_cache(maxsize=16)
def _validator(schema: str) -> Any:
    """jsonschema's validator with RE2 for patterns and a registry that knows no address."""
    import jsonschema
    import re2
    from referencing import Registry

    value = json.loads(schema)

    def pattern(validator: Any, wanted: str, instance: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not re2.search(wanted, instance):
            yield jsonschema.ValidationError(f"does not match {wanted!r}")

    kind = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    try:
        kind.check_schema(value)
        for wanted in _patterns(value):
            re2.compile(wanted)
    except (jsonschema.SchemaError, re2.error) as error:
        raise ValueError(f"This is not a JSON schema: {getattr(error, 'message', error)}"[:300]) from error
    found = kind(value, registry=Registry())
    _check_references(found)
    return found


def _check_references(validator: Any) -> None:
    """Raises ValueError where the schema points at what is not in it, or at itself without end."""
    from referencing.exceptions import Unresolvable

    try:
        for wanted in _references(validator.schema):
            if "$id" in set(_keys(validator.schema)):
                break  # then a reference depends on where it stands
            validator._resolver.lookup(wanted)
        probes: tuple[Any, ...] = ({}, [], "", 0, None)
        for probe in probes:
            validator.is_valid(probe)
    except Unresolvable as error:
        text = f"This schema refers to {error.ref!r}, which is not in it; nothing is fetched from elsewhere."
        raise ValueError(text[:300]) from error
    except RecursionError as error:
        raise ValueError("This schema refers to itself without end.") from error


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for name, inner in value.items():
            yield from () if name in DATA else _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for inner in value.values():
            yield from _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)
