"""Why the answers of the current prompt are wrong, from the answers that people corrected. Makes no calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from learning.engines.metrics import normalise
from learning.engines.prompt.output_form import OutputForm, describe_form
from learning.engines.types import Example

WORTH_A_WORD = 0.1


@dataclass(frozen=True, slots=True)
class Issue:
    """One kind of mistake. `share` is the part (0-1) of the answered examples that show it."""

    kind: str
    count: int
    share: float
    example_keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 < self.share <= 1:
            raise ValueError("An issue was seen at least once and in at most all examples.")


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the learning examples say. `answered`: how many of them carry an answer of the agent."""

    form: OutputForm
    answered: int
    wrong: int
    issues: tuple[Issue, ...]


def _empty(output: str, expected: str, form: OutputForm) -> bool:
    return not output.strip()


def _form_only(output: str, expected: str, form: OutputForm) -> bool:
    return normalise(output) == normalise(expected)


def _extra_text(output: str, expected: str, form: OutputForm) -> bool:
    return bool(normalise(expected)) and normalise(expected) in normalise(output)


def _wrong_form(output: str, expected: str, form: OutputForm) -> bool:
    return not form.admits(output)


def _wrong_content(output: str, expected: str, form: OutputForm) -> bool:
    return True


# The first kind that fits is the one counted, so the order goes from the most telling to the rest.
KINDS: dict[str, Callable[[str, str, OutputForm], bool]] = {
    "empty": _empty,
    "letter case or punctuation": _form_only,
    "right answer with extra text": _extra_text,
    "wrong form": _wrong_form,
    "wrong content": _wrong_content,
}

ADVICE: dict[str, str] = {
    "empty": "Allow more output tokens or say that an answer is always expected.",
    "letter case or punctuation": "Show the exact spelling of the answers in the prompt.",
    "right answer with extra text": "Say that only the answer is wanted, and show examples as chat turns.",
    "wrong form": "State the form of the answer in the prompt.",
    "wrong content": "The form is right and the content wrong: more and harder examples, or a stronger model.",
}


def analyse(examples: Sequence[Example]) -> Analysis:
    """Sort the corrected answers into kinds of mistakes, the most frequent first."""
    form = describe_form([example.expected for example in examples])
    answered = [example for example in examples if example.original is not None]
    found: dict[str, list[str]] = {}
    for example in answered:
        kind = _kind(example.original or "", example.expected, form)
        if kind:
            found.setdefault(kind, []).append(example.key)
    counts = Counter({kind: len(keys) for kind, keys in found.items()})
    issues = tuple(
        Issue(kind, count, count / len(answered), tuple(found[kind][:5])) for kind, count in counts.most_common()
    )
    return Analysis(form=form, answered=len(answered), wrong=counts.total(), issues=issues)


def _kind(output: str, expected: str, form: OutputForm) -> str:
    if output.strip() == expected.strip():
        return ""
    return next(kind for kind, fits in KINDS.items() if fits(output, expected, form))


def recommend(analysis: Analysis) -> tuple[str, ...]:
    """One sentence of advice for each kind of mistake that is frequent enough to matter."""
    return tuple(
        f"{issue.share:.0%} of the corrected answers: {issue.kind}. {ADVICE[issue.kind]}"
        for issue in analysis.issues
        if issue.share >= WORTH_A_WORD
    )
