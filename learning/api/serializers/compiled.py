"""A serializer's rules as plain functions, for the requests that come thousands of times a second.

The serializer stays the one definition: it writes the OpenAPI document and the messages. From each of its fields comes
a quick check, which knows values that are certainly good and takes them as the serializer would. About anything else
the serializer itself is asked, so that nothing is refused here and no message is written twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from django.core import validators
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from learning.api.serializers.fields import BoundedJSON, BoundedObject, ExternalId, Number, StrictSerializer, Text

Check = Callable[[Any], Any]
# What a field's arguments stand for, and the checks repeat. NUL and surrogates: the parser has refused them.
KNOWN_RULES = (
    validators.MaxLengthValidator,
    validators.MaxValueValidator,
    validators.MinValueValidator,
    validators.ProhibitNullCharactersValidator,
    ProhibitSurrogateCharactersValidator,
)


class Unsure(Exception):
    """The quick check does not know the value; it may be good or bad."""


class CompiledSerializer:
    """`run_validation` of a serializer, quicker where the data is in order. Safe for many threads."""

    def __init__(self, serializer: StrictSerializer) -> None:
        odd = [name for name, field in serializer.fields.items() if _is_odd(serializer, name, field)]
        if odd or serializer.validators:
            raise TypeError(f"{type(serializer).__name__} has rules that are not compiled: {odd or 'validators'}.")
        self.serializer = serializer
        self._checks = {name: _compile(field) for name, field in serializer.fields.items()}
        self._required = frozenset(name for name, field in serializer.fields.items() if field.required)

    def run_validation(self, data: Any) -> Any:
        """The validated values. Raises ValidationError as the serializer does."""
        try:
            return self.take(data)
        except Unsure:
            return self.serializer.run_validation(data)

    def take(self, data: Any) -> Any:
        """The validated values of data that is certainly good. Raises Unsure."""
        if type(data) is not dict:
            raise Unsure
        checks, values = self._checks, {}
        for name, value in data.items():
            check = checks.get(name)
            if check is None:
                raise Unsure
            taken = check(value)
            if taken is not None:
                values[name] = taken
        if not self._required <= values.keys():
            raise Unsure
        try:
            return self.serializer.validate(values)
        except serializers.ValidationError as error:
            raise Unsure from error


def _is_odd(serializer: StrictSerializer, name: str, field: Any) -> bool:
    """A field with a rule that stands outside of it."""
    return (
        hasattr(serializer, f"validate_{name}")
        or field.default is not serializers.empty
        or field.read_only
        or field.source != name
    )


def _compile(field: Any) -> Check:
    """A field without a check of its own, or with a rule that the check would not know, is asked itself."""
    check: Check
    if isinstance(field, StrictSerializer):
        check = CompiledSerializer(field).take
    elif type(field) in MAKERS and all(type(rule) in KNOWN_RULES for rule in field.validators):
        check = MAKERS[type(field)](field)
    else:
        check = _ask(field)
    return _or_null(check) if field.allow_null else check


def _or_null(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _ask(field: Any) -> Check:
    def ask(value: Any) -> Any:
        try:
            return field.run_validation(value)
        except serializers.ValidationError as error:
            raise Unsure from error

    return ask


def _text(field: Any) -> Check:
    low = 0 if field.allow_blank and not isinstance(field, ExternalId) else 1
    high = math.inf if field.max_length is None else field.max_length
    bare = field.trim_whitespace or isinstance(field, ExternalId)

    def text(value: Any) -> Any:
        if type(value) is not str or not low <= len(value) <= high or (bare and value != value.strip()):
            raise Unsure
        return value

    return text


def _integer(field: Any) -> Check:
    low, high = _bounds(field)

    def integer(value: Any) -> Any:
        if type(value) is not int or not low <= value <= high:
            raise Unsure
        return value

    return integer


def _number(field: Any) -> Check:
    low, high = _bounds(field)

    def number(value: Any) -> Any:
        if type(value) not in (int, float) or not low <= value <= high:
            raise Unsure
        return float(value)

    return number


def _bounds(field: Any) -> tuple[float, float]:
    low = -math.inf if field.min_value is None else field.min_value
    return low, math.inf if field.max_value is None else field.max_value


def _choice(field: Any) -> Check:
    choices = field.choice_strings_to_values

    def choice(value: Any) -> Any:
        if type(value) is not str or value not in choices:
            raise Unsure
        return choices[value]

    return choice


def _flag(field: Any) -> Check:
    def flag(value: Any) -> Any:
        if type(value) is not bool:
            raise Unsure
        return value

    return flag


def _list(field: Any) -> Check:
    child = _compile(field.child)
    low = 0 if field.allow_empty else 1
    high = math.inf if field.max_length is None else field.max_length

    def items(value: Any) -> Any:
        if type(value) is not list or not low <= len(value) <= high:
            raise Unsure
        return [child(item) for item in value]

    return items


def _json(field: Any) -> Check:
    kind = dict if isinstance(field, BoundedObject) else object

    def document(value: Any) -> Any:
        if not isinstance(value, kind) or len(json.dumps(value)) > field.max_chars:
            raise Unsure
        return value

    return document


# By the exact class: a subclass may have rules of its own.
MAKERS: dict[type, Callable[[Any], Check]] = {
    serializers.CharField: _text,
    ExternalId: _text,
    Text: _text,
    serializers.IntegerField: _integer,
    serializers.FloatField: _number,
    Number: _number,
    serializers.ChoiceField: _choice,
    serializers.BooleanField: _flag,
    serializers.ListField: _list,
    BoundedJSON: _json,
    BoundedObject: _json,
}
