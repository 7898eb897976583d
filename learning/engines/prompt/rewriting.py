"""Instructions written by a language model that is capable of it. What people wrote reaches it fenced, as data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from learning.engines.fencing import AS_DATA, FENCE, fenced
from learning.engines.prompt.analysis import Analysis
from learning.engines.prompt.results import VariantKind
from learning.engines.prompt.variants import Instruction
from learning.engines.types import CompletionRequest, Example, Message, Prompt

LONGEST_INSTRUCTION = 4000
SHOWN_EXAMPLES = 8
LONGEST_SHOWN = 400
SHOWN_CLUSTERS = 3
MOST_AROUND = 200  # characters beside the marked instruction
_MARKED = re.compile(r"```(?:\w*\n)?(.*?)```", re.DOTALL)

TASK = f"""You improve the instruction of an assistant. You get its present instruction, what is known about its
mistakes, and cases with the answer that was wanted. {AS_DATA}
Write a better instruction, so that the assistant gives exactly the wanted answers. Keep it general: do not
list the cases. Reply with the new instruction inside one pair of ``` marks and nothing else."""


def rewrite_requests(
    current: Prompt, train: Sequence[Example], analysis: Analysis, *, count: int, seed: int, model: str = ""
) -> list[CompletionRequest]:
    """The calls that ask for `count` rewrites, each from other cases and with another seed."""
    requests = []
    for number in range(count):
        shown = [
            train[(number * SHOWN_EXAMPLES + step) % len(train)] for step in range(min(SHOWN_EXAMPLES, len(train)))
        ]
        chat = (
            Message(role="system", content=TASK),
            Message(role="user", content=_material(current, shown, analysis)),
        )
        parameters = {"temperature": 0.8, "max_tokens": 600, "seed": seed + number}
        requests.append(CompletionRequest(chat, model=model or current.model, parameters=parameters))
    return requests


def read_rewrites(answers: Sequence[str], current: Prompt) -> list[Instruction]:
    """The instructions in the replies that follow the form, without what is there already.

    What does not follow it is no instruction but a refusal or small talk, and would be put to work as it is.
    """
    read = [read_instruction(answer) for answer in answers]
    texts = dict.fromkeys(text for text in read if text and text != current.system_prompt)
    return [Instruction(f"rewrite {n}", VariantKind.REWRITTEN, text) for n, text in enumerate(texts, start=1)]


def read_instruction(reply: str) -> str:
    """The instruction in a reply; empty when the reply is not what was asked for: one marked text that can be an
    instruction, and hardly a word around it.
    """
    marked = _MARKED.search(reply)
    if marked is None or len(reply) - len(marked.group(0)) > MOST_AROUND:
        return ""
    text = marked.group(1).strip()
    return text if len(text) <= LONGEST_INSTRUCTION else ""


def follows_form(reply: str) -> bool:
    """Whether a reply holds an instruction as it was asked for."""
    return bool(read_instruction(reply))


def _material(current: Prompt, shown: Sequence[Example], analysis: Analysis) -> str:
    cases = [_case(one) for one in shown]
    instruction = fenced(current.system_prompt, LONGEST_INSTRUCTION) or "(none)"
    parts = [f"instruction: {instruction}", fenced(_findings(analysis), LONGEST_INSTRUCTION), *cases]
    return f"\n{FENCE}\n".join(["", *parts, ""]).strip()


def _findings(analysis: Analysis) -> str:
    """What the analysis says, for the one who writes: mistakes, what people complained of, what corrections did."""
    mistakes = [*analysis.issues, *analysis.reported]
    seen = "; ".join(f"{issue.kind} ({issue.share:.0%})" for issue in mistakes) or "not known"
    did = "; ".join(
        f"{one.kind} ({one.share:.0%})" + (f": {one.detail}" if one.detail else "") for one in analysis.habits
    )
    worst = [one.words for one in analysis.clusters if one.failing][:SHOWN_CLUSTERS]
    lines = [f"mistakes seen: {seen}"]
    lines += [f"what people's corrections did: {did}"] if did else []
    lines += ["inputs that often fail are about: " + "; ".join(worst)] if worst else []
    return "\n".join(lines)


def _case(one: Example) -> str:
    answered = _fenced(one.original or "(not known)")
    said = f"\npeople said: {_fenced(one.comment)}" if one.comment else ""
    return f"input: {_fenced(one.input)}\nanswered: {answered}\nwanted: {_fenced(one.expected)}{said}"


def _fenced(text: str) -> str:
    return fenced(text, LONGEST_SHOWN)
