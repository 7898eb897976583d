"""What previews and receipts of erasures say in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# What is counted and does not explain itself.
EXPLAINED = {
    "annotations": "what reviewers decided and wrote about their examples",
    "changes by jobs": "what actions on many examples keep so that they can be undone",
    "compiled corrections": "the forms in which an approved example teaches: a row for fine-tuning, a preference pair, "
    "an example in a prompt, a label for a judge, a case for checks",
    "dataset items": "their examples as they stand in published versions",
    "decisions": "choices inside an execution",
    "drafts": "reviews that are not finished",
    "examples": "made from what they said, or imported or given with their user_id",
    "exposures": "which arm of an experiment they were shown",
    "flags": "what reviewers reported about an example",
    "gate cases": "what gates checked configs on",
    "gold items": "examples with a known decision, on which reviewers are measured",
    "remembered answers": "answers of language models, kept to save calls; all since the person's first row",
    "reported outcomes": "what an application reported of them under a metric of its own",
    "retrievals": "documents that were looked up for an answer",
    "review slots": "places of their examples in review queues",
    "spans": "telemetry of the last day",
    "stopped imports": "files that were waiting or being read, whoever started them",
    "uploaded files": "all that the organization had uploaded to be imported",
}
QUOTES = "quotes in "
CUT = "texts that stay, without the words of the person"


def explain(name: str) -> str:
    """What is counted under this name; "" where the name says it."""
    return CUT if name.startswith(QUOTES) else EXPLAINED.get(name, "")


def explained(counts: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """(name, number, what it is) of all that there is, by name."""
    return sorted((name, number, explain(name)) for name, number in counts.items() if number)


def glossary(names: Iterable[str]) -> dict[str, str]:
    """What the names mean that do not explain themselves."""
    return {name: text for name in names if (text := explain(name))}


def notes(*, imports: int, files: int, answers: int) -> list[str]:
    """What an erasure does to the whole organization, whoever is erased. The numbers are those of this moment."""
    return [
        f"Imports that wait or run are stopped, whoever started them ({_now(imports)}). "
        "Start them again afterwards, without the person in the file.",
        f"All files that your organization uploaded for imports are deleted ({_now(files)}): each may hold the person, "
        "and nobody can tell before it is read. Upload them again without the person.",
        f"All answers of language models that were kept since the person's first row are forgotten ({_now(answers)}). "
        "They only save calls: later runs ask the model again.",
    ]


def _now(number: int) -> str:
    return f"{number:,} now" if number else "none now"
