"""Which arm a unit belongs to: a pure function of a salt and the unit's identifier, the same in every client.

bucket = first 8 bytes (big-endian) of SHA-256("<salt>:<purpose>:<unit>") modulo 10,000. Purposes do not depend on each
other: `layer` (with the layer's salt) decides which of several experiments a unit may be in, `traffic` whether it takes
part, `variant` the arm. Widening the traffic therefore never moves anybody between arms. docs/assignment.md publishes
test vectors for clients in other languages; clients/python and static/learning repeat this file.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

BUCKETS = 10_000
MAX_UNIT_LENGTH = 200


def new_salt() -> str:
    """A random 128-bit salt in hex: never the experiment's name, or equal names would give equal arms."""
    return secrets.token_hex(16)


def bucket(salt: str, purpose: str, unit: str) -> int:
    """The bucket of a unit, 0 to 9,999. Raises ValueError for an empty or overlong unit or one that is not text."""
    if not unit or len(unit) > MAX_UNIT_LENGTH:
        raise ValueError(f"a unit identifier has 1 to {MAX_UNIT_LENGTH} characters")
    digest = hashlib.sha256(f"{salt}:{purpose}:{unit}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def tester_digest(salt: str, unit: str) -> str:
    """What a ruleset shows of a unit that was put into an arm by hand: 16 hex digits, which do not name it."""
    return hashlib.sha256(f"{salt}:tester:{unit}".encode()).hexdigest()[:16]


def percent_of(buckets: int) -> float:
    """Buckets as percent; a whole number where it is one."""
    percent = buckets * 100 / BUCKETS
    return int(percent) if percent.is_integer() else percent


def buckets_of(percent: float) -> int:
    """Percent as buckets. Raises ValueError outside 0 to 100 or for a part of a bucket (0.01 percent)."""
    buckets = round(percent * BUCKETS / 100, 6)
    if not 0 <= buckets <= BUCKETS or not float(buckets).is_integer():
        raise ValueError("a share lies between 0 and 100 percent, in steps of 0.01")
    return int(buckets)


def takes_part(salt: str, unit: str, coverage: int) -> bool:
    """Whether the unit is inside the first `coverage` of the 10,000 traffic buckets."""
    return bucket(salt, "traffic", unit) < coverage


@dataclass(frozen=True, slots=True)
class Slot:
    """A range of a layer's buckets: experiments of one layer have ranges that do not overlap, so nobody is in two."""

    salt: str
    start: int
    size: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.size < 1 or self.start + self.size > BUCKETS:
            raise ValueError(f"a range of a layer lies inside its {BUCKETS} buckets")

    def holds(self, unit: str) -> bool:
        """Whether the unit's bucket of the layer lies in the range."""
        return self.start <= bucket(self.salt, "layer", unit) < self.start + self.size


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of the arms in buckets, in a fixed order; together exactly 10,000."""

    shares: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        keys = [key for key, _ in self.shares]
        if len(keys) < 2 or len(set(keys)) != len(keys):
            raise ValueError("a split needs two or more arms with different keys")
        if any(share <= 0 for _, share in self.shares):
            raise ValueError("every arm needs a share above zero")
        if sum(share for _, share in self.shares) != BUCKETS:
            raise ValueError("the shares of the arms must sum to 100 percent")

    def arm_at(self, position: int) -> str:
        """The arm that holds a variant bucket."""
        if not 0 <= position < BUCKETS:
            raise ValueError(f"a bucket lies between 0 and {BUCKETS - 1}")
        end = 0
        for key, share in self.shares:
            end += share
            if position < end:
                return key
        raise AssertionError("the shares sum to all buckets")

    def propensity(self, key: str) -> float:
        """The probability of an arm, 0 to 1, for a unit that takes part."""
        return dict(self.shares)[key] / BUCKETS


def assign(salt: str, unit: str, coverage: int, split: Split, slot: Slot | None = None) -> str | None:
    """The arm of a unit, or None when the unit does not take part (it then gets what serves everybody)."""
    if slot is not None and not slot.holds(unit):
        return None
    if not takes_part(salt, unit, coverage):
        return None
    return split.arm_at(bucket(salt, "variant", unit))
