"""The prompts that enter the race: the current one, clearer instructions, and sets of examples."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from learning.engines.prompt.demonstrations import as_turns, choose_demonstrations, possible_sizes
from learning.engines.prompt.output_form import OutputForm
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.types import Example, Prompt

TRIES_PER_VARIANT = 8


@dataclass(frozen=True, slots=True)
class Instruction:
    """A system prompt to try, and how it came about."""

    name: str
    kind: VariantKind
    text: str


def write_instructions(current: Prompt, form: OutputForm) -> list[Instruction]:
    """Instructions that state the form of the answers, as far as the examples have one."""
    task = current.system_prompt.strip()
    wanted = form.description or "the answer"
    clause = f"Reply with {wanted} and nothing else."
    sample = f"{clause} Example of a reply: {form.sample}" if 0 < len(form.sample) <= 80 else clause
    if not task:
        return [
            Instruction("stated form", VariantKind.CLARIFIED, clause),
            Instruction("stated form with a sample", VariantKind.CLARIFIED, sample),
        ]
    return [
        Instruction("stated form", VariantKind.CLARIFIED, f"{task}\n\n{clause}"),
        Instruction("stated form with a sample", VariantKind.CLARIFIED, f"{task}\n\n{sample}"),
        Instruction("form only", VariantKind.RESTRUCTURED, clause),
        Instruction("task and answer", VariantKind.RESTRUCTURED, f"Task: {task}\nAnswer: {wanted}\nNo other words."),
    ]


def make_variants(
    current: Prompt,
    instructions: Sequence[Instruction],
    train: Sequence[Example],
    form: OutputForm,
    *,
    count: int,
    most_characters: int,
    rng: random.Random,
) -> list[Variant]:
    """At most `count` different prompts, the current one first, then the instructions, then example sets.

    Fewer come back when the examples do not allow so many different sets.
    """
    variants = [Variant("current", VariantKind.CURRENT, current)]
    variants += [_instructed(current, instruction) for instruction in instructions]
    fewer = max(2, count // 3)
    chosen = _distinct(iter(variants), fewer)
    sets = _example_sets(current, instructions, train, form, most_characters, rng)
    return chosen + _distinct(sets, count - len(chosen), seen={one.prompt.digest for one in chosen})


def _instructed(current: Prompt, instruction: Instruction) -> Variant:
    prompt = replace(current, system_prompt=instruction.text, examples=())
    return Variant(instruction.name, instruction.kind, prompt)


def _example_sets(
    current: Prompt,
    instructions: Sequence[Instruction],
    train: Sequence[Example],
    form: OutputForm,
    most_characters: int,
    rng: random.Random,
) -> Iterator[Variant]:
    """Random example sets under each instruction in turn; the current text and none at all are also tried."""
    own = Instruction("current instruction", VariantKind.FEW_SHOT, current.system_prompt)
    bare = Instruction("no instruction", VariantKind.FEW_SHOT, "")
    texts = [*instructions, own, bare]
    sizes = possible_sizes(train, form)
    number = 0
    while train:
        text = texts[number % len(texts)]
        shown = choose_demonstrations(train, form, rng.choice(sizes), most_characters, rng)
        prompt = replace(current, system_prompt=text.text, examples=as_turns(current, shown))
        kind = VariantKind.FEW_SHOT if text.kind is VariantKind.FEW_SHOT else VariantKind.COMBINED
        number += 1
        yield Variant(f"{text.name}, {len(shown)} examples, set {number}", kind, prompt)


def _distinct(variants: Iterator[Variant], count: int, seen: set[str] | None = None) -> list[Variant]:
    """The first `count` prompts that were not seen before; gives up when new ones become rare."""
    seen = set(seen or ())
    kept: list[Variant] = []
    for tries, variant in enumerate(variants):
        if len(kept) >= count or tries >= TRIES_PER_VARIANT * count:
            break
        if variant.prompt.digest not in seen:
            seen.add(variant.prompt.digest)
            kept.append(variant)
    return kept
