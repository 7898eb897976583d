"""The prompts that enter the race first: the current one, other instructions, and sets of examples."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from learning.engines.fencing import fence, fenced
from learning.engines.prompt.demonstrations import as_turns, choose_demonstrations, possible_sizes
from learning.engines.prompt.nearest_sets import nearest_variants, promise
from learning.engines.prompt.output_form import OutputForm
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.prompt.strategies import SEARCH_OVER_EXAMPLES, STRATEGIES
from learning.engines.types import Example, Prompt

TRIES_PER_VARIANT = 8
LONGEST_SAMPLE = 80
SAMPLES = 3


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
    shown = _show_samples([form.sample])
    sample = f"{clause}\nExample of a reply:\n{shown}" if shown else clause
    contract = write_contract(form)
    if not task:
        return [
            Instruction("stated form", VariantKind.CLARIFIED, clause),
            Instruction("stated form with a sample", VariantKind.CLARIFIED, sample),
            Instruction("output contract", VariantKind.OUTPUT_CONTRACT, contract),
        ]
    return [
        Instruction("stated form", VariantKind.CLARIFIED, f"{task}\n\n{clause}"),
        Instruction("stated form with a sample", VariantKind.CLARIFIED, f"{task}\n\n{sample}"),
        Instruction("form only", VariantKind.RESTRUCTURED, clause),
        Instruction("task and answer", VariantKind.RESTRUCTURED, f"Task: {task}\nAnswer: {wanted}\nNo other words."),
        Instruction("output contract", VariantKind.OUTPUT_CONTRACT, f"{task}\n\n{contract}"),
    ]


def write_contract(form: OutputForm) -> str:
    """Rules for the form of a reply, one a line, with samples."""
    rules = [f"The reply is {form.description}." if form.description else "The reply is the answer itself."]
    if form.labels:
        rules.append("It is spelled exactly as above: no other word, no full stop, no quotes.")
    elif form.lines == 1:
        rules.append("It is a single line.")
    rules.append("No introduction, no explanation, nothing after it.")
    text = "Rules for the reply:\n" + "\n".join(f"- {rule}" for rule in rules)
    samples = "" if form.labels else _show_samples(form.samples)
    return f"{text}\nReplies look like these:\n{samples}" if samples else text


def _show_samples(samples: Sequence[str]) -> str:
    """Answers that people wrote, as data between fences: an instruction must not obey them. Those of a line only."""
    short = [one for one in samples if 0 < len(one) <= LONGEST_SAMPLE and len(one.splitlines()) == 1]
    clean = [text for one in short if (text := fenced(one, LONGEST_SAMPLE).strip())]
    return fence(*clean[:SAMPLES]) if clean else ""


def make_variants(
    current: Prompt,
    instructions: Sequence[Instruction],
    train: Sequence[Example],
    form: OutputForm,
    *,
    count: int,
    most_characters: int,
    rng: random.Random,
    strategies: Collection[str] = tuple(STRATEGIES),
) -> list[Variant]:
    """At most `count` different prompts, the current one first, then the instructions, then example sets.

    Fewer come back when the examples do not allow so many different sets.
    """
    variants = [Variant("current", VariantKind.CURRENT, current)]
    told = [one for one in instructions if one.kind.value in strategies]
    if current.examples:
        # An agent that shows examples already keeps them under a new instruction, at least in some variants.
        variants += [_instructed(current, one, keep=True) for one in told]
    variants += [_instructed(current, one) for one in told]
    with_examples = SEARCH_OVER_EXAMPLES & set(strategies)
    chosen = _distinct(iter(variants), max(2, count // 3) if with_examples else count)
    near: list[Variant] = []
    if "nearest" in strategies:
        near += nearest_variants(current, known_texts(current, instructions), train, most_characters, rng)
        places = max(2, count // 3) if promise(train) else max(1, count // 8)
        chosen = _with(chosen, iter(near), min(count, len(chosen) + places))
    texts = texts_for_examples(current, instructions, strategies)
    chosen = _with(chosen, example_sets(current, texts, train, form, most_characters, rng, scarce=count <= 6), count)
    return _with(chosen, iter(near), count)


def texts_for_examples(
    current: Prompt, instructions: Sequence[Instruction], strategies: Collection[str]
) -> list[Instruction]:
    """The instructions under which examples are shown: the current text, none at all, and the new ones."""
    few_shot = known_texts(current)[::-1] if "few_shot" in strategies else []
    combined = list(instructions) if "combined" in strategies else []
    # In turns, so that also a short race sees both kinds.
    turns = [one for pair in zip(combined, few_shot, strict=False) for one in pair]
    return turns + combined[len(few_shot) :] + few_shot[len(combined) :]


def known_texts(current: Prompt, more: Sequence[Instruction] = ()) -> list[Instruction]:
    """No instruction, the current one, and more."""
    bare = Instruction("no instruction", VariantKind.FEW_SHOT, "")
    return [bare, Instruction("current instruction", VariantKind.FEW_SHOT, current.system_prompt), *more]


def _instructed(current: Prompt, instruction: Instruction, *, keep: bool = False) -> Variant:
    prompt = replace(current, system_prompt=instruction.text)
    if not keep:
        prompt = replace(prompt, examples=(), nearest=0)
    name = f"{instruction.name}, examples as they were" if keep else instruction.name
    return Variant(name, instruction.kind, prompt, parent="current")


def example_sets(
    current: Prompt,
    texts: Sequence[Instruction],
    train: Sequence[Example],
    form: OutputForm,
    most_characters: int,
    rng: random.Random,
    *,
    scarce: bool = False,
) -> Iterator[Variant]:
    """Random example sets under each instruction in turn; where few can be tried, larger ones, which mostly help."""
    sizes = possible_sizes(train, form)
    sizes = sizes[len(sizes) // 2 :] if scarce else sizes
    number = 0
    while train and texts:
        text = texts[number % len(texts)]
        shown = choose_demonstrations(train, form, rng.choice(sizes), most_characters, rng)
        prompt = replace(current, system_prompt=text.text, examples=as_turns(current, shown), nearest=0)
        number += 1
        name = f"{text.name}, {examples_shown(len(shown))}, set {number}"
        yield Variant(name, kind_of(prompt, current), prompt, parent=text.name)


def examples_shown(count: int) -> str:
    """As part of a variant's name."""
    return f"{count} example{'' if count == 1 else 's'}"


def kind_of(prompt: Prompt, current: Prompt) -> VariantKind:
    """What a prompt with examples is: few-shot under the known text or none, else combined."""
    return VariantKind.FEW_SHOT if prompt.system_prompt in ("", current.system_prompt) else VariantKind.COMBINED


def _with(chosen: list[Variant], more: Iterator[Variant], count: int) -> list[Variant]:
    """These, and as many different ones of the others as make so many together."""
    return chosen + _distinct(more, count - len(chosen), seen={one.prompt.digest for one in chosen})


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
