"""An example is prepared before anything uses it: redacted, hashed, clustered, and looked through for what is wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from learning.engines.quality import flags_of
from learning.engines.types import canonical_json
from learning.formats.texts import hash_input
from learning.models import BAD_TYPES, ExampleType, LearningExample
from learning.services.cluster_bands import forget_bands, remember_published
from learning.services.clusters import NOWHERE, dissolve_cluster, lock_splits, place_examples, try_lock_splits
from learning.services.compiler import compile_prepared
from learning.services.example_words import remember_words
from learning.services.insight_quality import predict_examples
from learning.services.languages import answer_languages
from learning.services.prepared_writing import TEXTS, write_prepared
from learning.services.redaction_rules import mark_outdated, recognizers
from organizations.redaction.findings import Recognizer
from organizations.redaction.redactor import VERSION, redact_texts

BATCH = 200
FEW = 20  # some milliseconds of work


def prepare_waiting(*, limit: int = BATCH) -> int:
    """Prepare the oldest examples that wait for it, at most `limit`; how many were."""
    waiting = LearningExample.objects.filter(prepared_version=0).order_by("id").values_list("id", flat=True)
    return prepare_examples(example_ids=list(waiting[:limit]))


def prepare_few() -> int:
    """Prepare the oldest FEW for somebody who waits for them, in the caller's transaction; how many were.

    None while somebody else prepares or changes splits: nobody waits for that.
    """
    waiting = LearningExample.objects.filter(prepared_version=0).order_by("id").values_list("id", flat=True)
    found = list(waiting[:FEW])
    if not found or not try_lock_splits():
        return 0
    _prepare(found)
    return len(found)


def prepare_waiting_of(examples: Any, *, limit: int = BATCH) -> int:
    """The same among the examples of a queryset."""
    waiting = examples.filter(prepared_version=0).order_by("id").values_list("id", flat=True)
    return prepare_examples(example_ids=list(waiting[:limit]))


def prepare_examples(*, example_ids: Sequence[UUID]) -> int:
    """Prepare these examples, whatever was done before; how many there were.

    Texts are replaced by their redacted form. Doing it again changes nothing.
    """
    for start in range(0, len(example_ids), BATCH):
        with transaction.atomic():
            _prepare(example_ids[start : start + BATCH])
    return len(example_ids)


def prepare_all(*, waiting: Any, progress: Callable[[int], None] | None = None) -> int:
    """Prepare every example of a queryset that still needs it; how many did. `progress` is told the count so far.

    That includes those which were prepared by other redaction rules than those in force.
    """
    while mark_outdated():
        pass
    done = 0
    while batch := list(waiting.filter(prepared_version=0).order_by("id").values_list("id", flat=True)[:BATCH]):
        done += prepare_examples(example_ids=batch)
        if progress:
            progress(done)
    return done


def hash_content(example: LearningExample) -> str:
    """SHA-256 of all that an example teaches; equal content has it wherever it is stored."""
    fields = [example.example_type, *(getattr(example, name) for name in TEXTS)]
    return hashlib.sha256(canonical_json(fields).encode()).hexdigest()


def _prepare(example_ids: Sequence[UUID]) -> None:
    lock_splits()
    examples = list(LearningExample.objects.select_for_update().filter(pk__in=example_ids).order_by("id"))
    before = {example.pk: example.input_hash for example in examples}
    rules = recognizers()
    redacted = {example.pk for example in examples if _redact(example, rules)}
    now = timezone.now()
    for example in examples:
        example.input_hash, example.content_hash = hash_input(example.input_text), hash_content(example)
        example.quality_flags = _flags(example)
        example.prepared_version, example.updated_at = VERSION, now
    placed = {example.pk for example in _cluster(examples, before)}
    write_prepared(examples, redacted=redacted, placed=placed)
    remember_words(example_ids=example_ids)
    compile_prepared(examples=examples)
    predict_examples(example_ids=example_ids)


def _redact(example: LearningExample, rules: Sequence[Recognizer]) -> bool:
    """Replace personal data in the texts of an example; whether there was any."""
    texts = {name: getattr(example, name) for name in TEXTS}
    result = redact_texts(texts, rules)
    if not result.changed:
        return False
    for name, text in result.texts.items():
        setattr(example, name, text)
    example.redaction_found = dict(Counter(example.redaction_found) + Counter(result.found))
    return True


def _flags(example: LearningExample) -> list[str]:
    answer = example.original_output if example.example_type in BAD_TYPES else example.expected_output
    # A positive example says that the original was right: being the same is what it is.
    original = "" if example.example_type == ExampleType.POSITIVE else example.original_output
    languages = answer_languages(agent_id=example.agent_id)
    return flags_of(input_text=example.input_text, original_output=original, answer=answer, languages=languages)


def _cluster(examples: Sequence[LearningExample], before: dict[UUID, str]) -> list[LearningExample]:
    """Place the examples whose input is new; which they were. before: the hashes of the inputs that they had.

    An example without an input resembles nothing and is in no cluster; one that had none before begins anew.
    """
    nothing = hash_input("")
    if any(one.cluster_key == nothing for one in examples) and dissolve_cluster(key=nothing):
        for example in examples:
            example.cluster_key = "" if example.cluster_key == nothing else example.cluster_key
    moved = [one for one in examples if not one.cluster_key or before[one.pk] != one.input_hash]
    changed = [one.pk for one in moved if before[one.pk] not in ("", one.input_hash)]
    forget_bands(example_ids=changed)
    remember_published(example_ids=changed)
    placed = [one for one in moved if one.input_hash != nothing]
    places = place_examples(
        texts={one.pk: one.input_text for one in placed},
        hashes={one.pk: one.input_hash for one in placed},
        kept={one.pk: one.cluster_key for one in placed if _keeps_cluster(one, before[one.pk], nothing)},
    )
    for example in moved:
        place = places.get(example.pk, NOWHERE)
        same = place.cluster_key == example.cluster_key
        example.cluster_key, example.is_bridge = place.cluster_key, place.is_bridge
        example.is_representative = example.is_representative and same and not place.is_bridge
    return moved


def _keeps_cluster(example: LearningExample, before: str, nothing: str) -> bool:
    """Whether an example with another input stays with those that it was with."""
    return bool(example.cluster_key) and not example.is_bridge and before != nothing
