"""An organization's own redaction patterns: kept, changed, and tried on a text before they are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction

from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.models import RedactionPattern, User
from organizations.redaction.breadth import ORDINARY, share_changed
from organizations.redaction.findings import Recognizer
from organizations.redaction.own_patterns import OwnRecognizer, PatternRefused
from organizations.redaction.redactor import Redacted, redact_texts
from organizations.redaction_samples import sampled_texts

MOST_ACTIVE = 50  # each is run over every text
STANDARD_KINDS = ("URL_TOKEN", "SECRET", "EMAIL", "IBAN", "CARD", "SSN", "IP", "PHONE", "PERSON")
LONGEST_TRIAL = 20_000  # characters
MOST_CHANGED = 0.2  # of the characters of a text; what is replaced cannot be brought back
ENOUGH = 2_000  # characters of an organization's own texts that say how broad a pattern is


def create_pattern(*, name: str, pattern: str, active: bool = True, user: User | None = None) -> RedactionPattern:
    """Keep a pattern under a name of capital letters. Raises Refused, naming the field; Conflict for a taken name.

    A pattern that would change much of what people write is refused.
    """
    _check_breadth(_check(name, pattern))
    if active:
        _check_room()
    try:
        with transaction.atomic():
            row = RedactionPattern.objects.create(name=name, pattern=pattern, active=active, created_by=user)
            audit.record(action="redactionpattern.created", target=row, after=_told(row))
    except IntegrityError as error:
        raise Conflict(f"There is a pattern called {name} already.", "name") from error
    return row


def change_pattern(*, row: RedactionPattern, pattern: str | None = None, active: bool | None = None) -> None:
    """Another pattern under the same name, or switched on or off. Raises Refused, naming the field.

    The name stays: it stands in texts that were redacted already.
    """
    with transaction.atomic():
        row = RedactionPattern.objects.select_for_update().get(pk=row.pk)
        before = _told(row)
        if pattern is not None:
            _check(row.name, pattern)
            row.pattern = pattern
        if active is not None:
            if active and not row.active:
                _check_room()
            row.active = active
        if _told(row) == before:
            return
        if row.active:
            _check_breadth(_check(row.name, row.pattern))
        row.save(update_fields=["pattern", "active", "updated_at"])
        audit.record(action="redactionpattern.changed", target=row, before=before, after=_told(row))


def active_patterns() -> tuple[tuple[str, str], ...]:
    """(name, pattern) of what is switched on, by name."""
    rows = RedactionPattern.objects.filter(active=True).order_by("name").values_list("name", "pattern")
    return tuple(rows[: 2 * MOST_ACTIVE])


@lru_cache(maxsize=64)
def recognizers_of(patterns: tuple[tuple[str, str], ...]) -> tuple[Recognizer, ...]:
    """What finds these patterns; compiled once in a process."""
    return tuple(OwnRecognizer(name, pattern) for name, pattern in patterns)


def try_pattern(*, name: str, pattern: str, text: str, others: Sequence[Recognizer] = ()) -> Redacted:
    """What a pattern would make of a text, together with the recognizers in `others`; nothing is kept.

    Raises Refused, naming the field.
    """
    if len(text) > LONGEST_TRIAL:
        raise Refused(f"Try it on at most {LONGEST_TRIAL:,} characters.", "text")
    return redact_texts({"text": text}, [_check(name, pattern), *others])


def _check(name: str, pattern: str) -> OwnRecognizer:
    if name in STANDARD_KINDS:
        raise Refused(f"{name} is found by a rule of the product already. Choose another name.", "name")
    try:
        OwnRecognizer(name, "x")
    except PatternRefused as error:
        raise Refused(str(error), "name") from error
    try:
        return OwnRecognizer(name, pattern)
    except PatternRefused as error:
        raise Refused(str(error), "pattern") from error


def _check_breadth(found: OwnRecognizer) -> None:
    _refuse_broad(share_changed([ORDINARY], found), "an ordinary text")
    own = list(sampled_texts())
    if sum(map(len, own)) >= ENOUGH:
        _refuse_broad(share_changed(own, found), "your newest examples")


def _refuse_broad(share: float, named: str) -> None:
    if share > MOST_CHANGED:
        raise Refused(
            f"This pattern would change {share:.0%} of {named}, and what it replaces cannot be brought back. "
            f"Make it narrower: at most {MOST_CHANGED:.0%} may change.",
            "pattern",
        )


def _check_room() -> None:
    if RedactionPattern.objects.filter(active=True).count() >= MOST_ACTIVE:
        raise Refused(f"At most {MOST_ACTIVE} patterns can be switched on. Switch one off first.", "active")


def _told(row: RedactionPattern) -> dict[str, Any]:
    return {"name": row.name, "pattern": row.pattern, "active": row.active}
