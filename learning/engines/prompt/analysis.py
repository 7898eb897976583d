"""Why the answers of the current prompt are wrong, from the answers that people corrected. Makes no calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from learning.engines.metrics.words import normalise
from learning.engines.prompt.corrections import Habit, common_habits
from learning.engines.prompt.missing_data import lacks_data
from learning.engines.prompt.output_form import OutputForm, describe_form
from learning.engines.prompt.topics import OTHER, Topics, find_topics
from learning.engines.types import Example, Prompt

WORTH_A_WORD = 0.1
FEWEST_LACKING = 3
SHOWN_KEYS = 20


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
class Cluster:
    """Inputs about the same thing. `n` of them were answered, `failing` of those wrongly; `example_keys` name some."""

    words: str
    n: int
    failing: int
    example_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the learning examples say. `answered`: how many of them carry an answer of the agent.

    `reported`: the categories that users named. `lacking`: keys of failing examples that need data which is nowhere.
    """

    form: OutputForm
    answered: int
    wrong: int
    issues: tuple[Issue, ...]
    reported: tuple[Issue, ...] = ()
    topics: Topics = field(default_factory=Topics)
    clusters: tuple[Cluster, ...] = ()
    habits: tuple[Habit, ...] = ()
    lacking: tuple[str, ...] = ()


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


def analyse(examples: Sequence[Example], current: Prompt | None = None) -> Analysis:
    """Sort the corrected answers into kinds of mistakes, the most frequent first, and say what they have in common.

    `current`: the prompt that gave the original answers.
    """
    form = describe_form([example.expected for example in examples])
    answered = [example for example in examples if example.original is not None]
    kinds = {one.key: _kind(one.original or "", one.expected, form) for one in answered}
    topics = find_topics([example.input for example in examples])
    return Analysis(
        form=form,
        answered=len(answered),
        wrong=sum(map(bool, kinds.values())),
        issues=_issues([(kind, key) for key, kind in kinds.items() if kind], len(answered)),
        reported=_issues([(issue, one.key) for one in examples for issue in dict.fromkeys(one.issues)], len(examples)),
        topics=topics,
        clusters=_clusters(answered, kinds, topics),
        habits=common_habits(answered, form),
        lacking=lacks_data(examples, current or Prompt(), form),
    )


def _issues(found: Sequence[tuple[str, str]], of: int) -> tuple[Issue, ...]:
    """Kinds with the keys that show them, the most frequent first."""
    keys: dict[str, list[str]] = {}
    for kind, key in found:
        keys.setdefault(kind, []).append(key)
    ordered = sorted(keys.items(), key=lambda item: -len(item[1]))
    return tuple(Issue(kind, len(these), len(these) / of, tuple(these[:5])) for kind, these in ordered)


def _clusters(answered: Sequence[Example], kinds: Mapping[str, str], topics: Topics) -> tuple[Cluster, ...]:
    """The topics with their failing examples, the one with the most of them first; none without topics."""
    members: dict[str, list[str]] = {}
    for one in answered if topics.names else ():
        members.setdefault(topics.of(one.input), []).append(one.key)
    clusters = []
    for words, keys in members.items():
        failing = [key for key in keys if kinds[key]]
        clusters.append(Cluster(words, len(keys), len(failing), tuple(failing[:SHOWN_KEYS])))
    return tuple(sorted(clusters, key=lambda one: (-one.failing, one.words)))


def _kind(output: str, expected: str, form: OutputForm) -> str:
    if output.strip() == expected.strip():
        return ""
    return next(kind for kind, fits in KINDS.items() if fits(output, expected, form))


def recommend(analysis: Analysis) -> tuple[str, ...]:
    """What to collect or fix next: a sentence for each kind of mistake that matters, and for data that are missing."""
    advice = [
        f"{issue.share:.0%} of the corrected answers: {issue.kind}. {ADVICE[issue.kind]}"
        for issue in analysis.issues
        if issue.share >= WORTH_A_WORD
    ]
    if len(analysis.lacking) >= max(FEWEST_LACKING, WORTH_A_WORD * analysis.answered):
        advice.append(
            f"{len(analysis.lacking)} failing examples need data that the agent does not have: the right answers name "
            "things that stand neither in the input nor in the prompt. No wording helps; give the agent these data."
        )
    return (*advice, *_worst_cluster(analysis))


def _worst_cluster(analysis: Analysis) -> list[str]:
    """A topic that fails clearly more often than the rest needs examples of its own."""
    for one in analysis.clusters:
        rest_n, rest_failing = analysis.answered - one.n, analysis.wrong - one.failing
        if one.words == OTHER or one.failing < FEWEST_LACKING or rest_n < 1:
            continue
        if one.failing / one.n >= 2 * (rest_failing + 1) / (rest_n + 1):
            return [
                f"Inputs about {one.words} fail more often than others ({one.failing} of {one.n}): collect more "
                "corrected examples of these."
            ]
    return []
