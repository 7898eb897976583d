"""The parts that requests are made of: everything bounded, nothing unknown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

MAX_TEXT = 100_000  # characters
MAX_METADATA = 20_000  # characters of JSON
MAX_CONTEXT = 200_000  # characters of JSON: a conversation history
MAX_INTEGER = 2_147_483_647
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, naming them. A null is as good as a field left out."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                known = ", ".join(self.fields)
                raise serializers.ValidationError(
                    {name: [f"Unknown field. Known are: {known}."] for name in unknown[:20]}
                )
        values = super().to_internal_value(data)
        return {name: value for name, value in values.items() if value is not None}


class ExternalId(serializers.CharField):
    """The caller's own identifier, or our UUID."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 200, "trim_whitespace": False} | kwargs)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if value != value.strip():
            raise serializers.ValidationError("An identifier has no space at its ends.")
        return value


class Text(serializers.CharField):
    """Kept as it came: spaces and line breaks of an answer matter."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": MAX_TEXT, "trim_whitespace": False, "allow_blank": True} | kwargs)


def optional_text(**kwargs: Any) -> Text:
    return Text(required=False, allow_null=True, **kwargs)


def optional_id(**kwargs: Any) -> ExternalId:
    return ExternalId(required=False, allow_null=True, **kwargs)


class Number(serializers.FloatField):
    """A number; true and false, which Python counts as 1 and 0, are none."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        value: float = super().to_internal_value(data)
        return value


def optional_number(low: float, high: float) -> serializers.FloatField:
    return Number(required=False, allow_null=True, min_value=low, max_value=high)


def optional_integer(low: int, high: int) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, allow_null=True, min_value=low, max_value=high)


class Money(Number):
    """An amount; callers compute it in floating point, so that more decimal places than we keep are rounded."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=999_999, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        value = super().run_validation(data)
        return value if value is None else Decimal(repr(value)).quantize(Decimal("1e-8"))


@extend_schema_field({})
class BoundedJSON(serializers.JSONField):
    """Any JSON value up to `max_chars` characters."""

    def __init__(self, *, max_chars: int, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)
        self.max_chars = max_chars

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        size = len(json.dumps(value))
        if size > self.max_chars:
            raise serializers.ValidationError(
                f"This is {size:,} characters of JSON; at most {self.max_chars:,} are kept."
            )
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class BoundedObject(BoundedJSON):
    """A JSON object."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.")
        return super().to_internal_value(data)


class PastTime(serializers.DateTimeField):
    """A time that a clock can show: from 2000 on, up to a day ahead of ours. UTC where no zone is given."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if not EARLIEST <= moment <= timezone.now() + CLOCK_SKEW:
            raise serializers.ValidationError("This time must lie between the year 2000 and tomorrow.")
        return moment
