"""Questions with the answers that people wanted, read from public collections under the names their authors gave."""

from __future__ import annotations

import csv
import json
from pathlib import Path

Pair = tuple[str, str]

PLAIN_RATING = 1.5  # of -4 to +4: nearer to zero about 15 people did not agree on a side
SHORTEST, LONGEST = 5, 22  # words of a review

# Which team answers which of the bank's customers. Intents between two teams are left out.
TEAMS: dict[str, tuple[str, ...]] = {
    "transfer": ("pending_transfer", "failed_transfer", "cancel_transfer", "transfer_timing", "declined_transfer"),
    "topup": ("pending_top_up", "top_up_failed", "top_up_limits", "automatic_top_up", "top_up_reverted"),
    "cash": ("cash_withdrawal_charge", "declined_cash_withdrawal", "pending_cash_withdrawal", "atm_support"),
    "exchange": ("exchange_rate", "exchange_charge", "exchange_via_app", "fiat_currency_support"),
    "identity": ("verify_my_identity", "why_verify_identity", "unable_to_verify_identity", "verify_source_of_funds"),
}


def reviews(folder: Path) -> list[Pair]:
    """Sentences of film and product reviews and the side that people's mean rating is on."""
    pairs = []
    for name in ("movie", "amazon"):
        path = folder / "vader-reviews" / f"{name}ReviewSnippets_GroundTruth.txt"
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            _, rating, text = line.split("\t", 2)
            if abs(float(rating)) >= PLAIN_RATING and SHORTEST <= len(text.split()) <= LONGEST and text.isascii():
                pairs.append((_one_line(text), "positive" if float(rating) > 0 else "negative"))
    return pairs


def triage(folder: Path) -> list[Pair]:
    """Messages of a bank's customers and the team that answers them."""
    team_of = {intent: team for team, intents in TEAMS.items() for intent in intents}
    with (folder / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(_one_line(row["text"]), team_of[row["category"]]) for row in rows if row["category"] in team_of]


def instruction_induction(name: str, folder: Path) -> list[Pair]:
    """One task of instruction-induction, its part for induction."""
    path = folder / "instruction-induction" / "raw" / "induce" / f"{name}.json"
    examples = json.loads(path.read_text(encoding="utf-8"))["examples"]
    return [(one["input"].strip(), one["output"].strip()) for one in examples.values()]


def big_bench_hard(name: str, folder: Path) -> list[Pair]:
    """One task of BIG-Bench Hard."""
    path = folder / "bbh" / "bbh" / f"{name}.json"
    examples = json.loads(path.read_text(encoding="utf-8"))["examples"]
    return [(one["input"].strip(), one["target"].strip()) for one in examples]


def _one_line(text: str) -> str:
    return " ".join(text.split())
