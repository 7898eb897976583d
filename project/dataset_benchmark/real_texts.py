"""Real texts for benchmarks, from the folder that ALS_DATA names. Raises CommandError when they are not there."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

from django.core.management.base import CommandError

LONG_ENOUGH = 40  # characters; in a shorter text a small edit changes what it is about
SKIPPED = 77  # the exit status that tells `make bench` that nothing was measured because something is missing
# Public collections, under the names that their authors gave the files.
NEEDED = (
    "banking77/train.csv",
    "xquad-en/queries.jsonl",
    "vader-reviews/movieReviewSnippets_GroundTruth.txt",
    "iterater-edits/human_sent_level",
)


def folder() -> Path:
    """ALS_DATA. Raises CommandError, which says what is missing."""
    named = os.environ.get("ALS_DATA")
    if not named:
        wanted = ", ".join(NEEDED)
        raise CommandError(f"Set ALS_DATA to a folder with the real texts: {wanted}.", returncode=SKIPPED)
    path = Path(named)
    if missing := [name for name in NEEDED if not (path / name).exists()]:
        raise CommandError(f"ALS_DATA ({path}) lacks {', '.join(missing)}.", returncode=SKIPPED)
    return path


def questions() -> list[str]:
    """What 10,003 customers asked their bank, and 1,190 questions about paragraphs; each once."""
    with (folder() / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        asked = [row["text"] for row in csv.DictReader(file)]
    with (folder() / "xquad-en" / "queries.jsonl").open(encoding="utf-8") as file:
        asked += [json.loads(line)["text"] for line in file]
    return list(dict.fromkeys(" ".join(text.split()) for text in asked))


def reviews() -> list[str]:
    """10,605 sentences of film reviews."""
    path = folder() / "vader-reviews" / "movieReviewSnippets_GroundTruth.txt"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return list(dict.fromkeys(line.split("\t")[2].strip() for line in lines if line.count("\t") >= 2))


def edits() -> list[tuple[str, str]]:
    """Sentences before and after somebody revised them, where that changed something."""
    found: dict[tuple[str, str], None] = {}
    for path in sorted((folder() / "iterater-edits" / "human_sent_level").glob("*.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            found[(record["before_sent"].strip(), record["after_sent"].strip())] = None
    return [(before, after) for before, after in found if before and after and before != after]


def words() -> list[str]:
    """The running words of the reviews: drawn from, frequent words stay frequent."""
    return re.findall(r"[a-z]+", " ".join(reviews()).casefold())
