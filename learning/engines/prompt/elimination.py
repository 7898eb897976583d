"""Which variants are surely worse than the leader: a bet against each, valid however often one looks. Pure.

Somebody who believes that a variant loses against the leader bets on the paired differences, one example after the
other. If the variant were as good as the leader, the bettor's wealth would be a martingale that starts at 1, and
would ever reach 1 / alpha with probability at most alpha (Ville). So a wealth beyond that says "worse" at any time.
Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024); the bet
is the mean over a grid of constant bets, which is a martingale again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

BETS = tuple((place + 0.5) / 32 for place in range(32))
RISK = 0.1  # roughly the probability that the best of all variants is ever dropped


def wealth(differences: Sequence[float]) -> float:
    """What a bet of 1 has become after these paired differences (leader minus rival, -1 to 1 each)."""
    counts: dict[float, int] = {}
    for difference in differences:
        if not -1 <= difference <= 1:
            raise ValueError("Differences of scores lie between -1 and 1.")
        counts[difference] = counts.get(difference, 0) + 1
    logs = [sum(count * math.log1p(bet * value) for value, count in counts.items()) for bet in BETS]
    highest = max(logs)
    if highest > 600:
        return math.inf
    return math.exp(highest) * sum(math.exp(one - highest) for one in logs) / len(BETS)


def is_worse(leader: Sequence[float], rival: Sequence[float], rivals: int, risk: float = RISK) -> bool:
    """Whether the rival is surely worse than the leader on the examples that both answered, in the same order.

    `rivals`: how many variants there will be besides the best one. The risk is shared among them (Bonferroni), for any
    of them may be the one that leads by luck. Roughly: how many are bred is a guess, and the bred ones were chosen for
    what their like answered to the same questions, so that their bets are not quite fair.
    """
    pairs = zip(leader, rival, strict=False)
    return wealth([one - other for one, other in pairs]) >= max(1, rivals) / risk
