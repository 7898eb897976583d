"""Right answers that hold facts which the agent could not know: neither asked nor told in the prompt. Pure.

A fact here is what cannot be worked out by rewording: an address, a code, a long number or a name. Answers out of a
fixed set, and facts that many answers share (which a prompt could state), do not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from learning.engines.prompt.output_form import OutputForm
from learning.engines.types import Example, Prompt

SHARED_BY = 3  # answers; a fact in so many of them is a rule that can be stated, not a datum
_FACT = re.compile(
    r"https?://\S+|[\w.+-]+@[\w-]+\.\w+"  # addresses
    r"|\b(?=\w*\d)(?=\w*[^\W\d_])[\w-]{4,}\b"  # codes: letters and digits
    r"|\b\d{4,}\b"  # long numbers
    r"|(?<=[^\W\d_] )[A-Z][a-z]{3,}\b"  # names, which are not at the beginning of a sentence
)


def lacks_data(examples: Sequence[Example], current: Prompt, form: OutputForm) -> tuple[str, ...]:
    """The keys of the examples whose right answer needs data that the agent did not have."""
    if form.labels:
        return ()
    facts = {one.key: _facts(one.expected) for one in examples}
    often = Counter(fact for found in facts.values() for fact in found)
    told = _told(current)
    return tuple(
        one.key
        for one in examples
        if _failed(one)
        and any(often[fact] < SHARED_BY and not _known(fact, one.input, told) for fact in facts[one.key])
    )


def _failed(one: Example) -> bool:
    return one.original is not None and one.original.strip() != one.expected.strip()


def _facts(answer: str) -> set[str]:
    return {found.strip(".,;:!?()\"'").casefold() for found in _FACT.findall(answer)}


def _known(fact: str, asked: str, told: str) -> bool:
    return fact in asked.casefold() or fact in told


def _told(current: Prompt) -> str:
    shown = " ".join(f"{one.input} {one.output}" for one in current.examples)
    return f"{current.system_prompt} {current.input_template} {shown}".casefold()
