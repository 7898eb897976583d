"""Which items are worth the minutes that there are. Pure.

The value of an item is severity x uncertainty x coverage: how much harm it stands for, how little is known about it,
and how little of its kind has been looked at. Coverage falls with each item of the same cluster that is picked, so that
near-duplicates do not fill the plan. Items are taken by value for each second that they are expected to take.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEAST = 0.05  # no factor is nought: an item about which nobody complained can still be worth a look


@dataclass(frozen=True)
class Candidate:
    """An item that could be reviewed. severity and uncertainty 0 to 1; seconds above 0.

    `cluster`: what near-duplicates share; empty for an item of its own. Raises ValueError for impossible numbers.
    """

    key: str
    severity: float
    uncertainty: float
    seconds: float
    cluster: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.severity <= 1 and 0 <= self.uncertainty <= 1):
            raise ValueError("severity and uncertainty lie between 0 and 1")
        if not (0 < self.seconds < math.inf):
            raise ValueError("an item takes some seconds")

    @property
    def worth(self) -> float:
        """The value of the item before its coverage."""
        return max(self.severity, LEAST) * max(self.uncertainty, LEAST)


@dataclass(frozen=True)
class Pick:
    """An item of the plan: its value when it was picked and the seconds that it is expected to take."""

    key: str
    value: float
    seconds: float


@dataclass(frozen=True)
class Plan:
    """The picked items, best value for time first."""

    picks: tuple[Pick, ...]

    @property
    def seconds(self) -> float:
        return sum(pick.seconds for pick in self.picks)

    @property
    def value(self) -> float:
        return sum(pick.value for pick in self.picks)


def plan_review(candidates: Iterable[Candidate], *, seconds: float, seen: Mapping[str, int] | None = None) -> Plan:
    """The items with the greatest expected value that fit into `seconds`. `seen`: reviewed items by cluster.

    Greedy by value for time, which is within a half of the best possible plan as long as single items are short.
    """
    looked_at = Counter(seen or {})
    heap = [
        (-_rate(one, looked_at), one.key, looked_at[one.cluster], one) for one in candidates if one.seconds <= seconds
    ]
    heapq.heapify(heap)
    picks: list[Pick] = []
    while heap:
        rate, key, counted, one = heapq.heappop(heap)
        if one.seconds > seconds:
            continue
        if one.cluster and looked_at[one.cluster] != counted:  # its cluster was picked from meanwhile: look again
            heapq.heappush(heap, (-_rate(one, looked_at), key, looked_at[one.cluster], one))
            continue
        picks.append(Pick(key, -rate * one.seconds, one.seconds))
        seconds -= one.seconds
        if one.cluster:
            looked_at[one.cluster] += 1
    return Plan(tuple(picks))


def expected_seconds(characters: int, *, median_seconds: float, median_characters: float) -> float:
    """How long an item takes somebody whose median item is so long: it grows with the root of its length."""
    length = max(characters, 1) / max(median_characters, 1)
    return max(5.0, median_seconds * math.sqrt(length))


def _rate(one: Candidate, looked_at: Counter[str]) -> float:
    coverage = 1 / (1 + looked_at[one.cluster]) if one.cluster else 1.0
    return one.worth * coverage / one.seconds
