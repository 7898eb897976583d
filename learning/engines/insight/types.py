"""What the human-feedback learner takes: opinions of people about executions, as columns. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # see docs/decisions/0011
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

FEWEST = 10  # opinions; with fewer nothing is said about a pair


@dataclass(frozen=True)
class Opinions:
    """One row for each time somebody judged an execution. Missing is nan, infinite values are missing too.

    `features`: what the execution was like, by name. `aspects`: what the person said, by name. `reviewers`: who said
    it; `cases`: what belongs together beyond that (near-duplicates, one document), both as codes 0, 1, ...
    `texts`: what was judged, for the terms; empty when there is none. `owners`: whose it was, so that no term is of one
    person alone; the cases when left out. Raises ValueError when lengths differ.
    """

    features: Mapping[str, Floats]
    aspects: Mapping[str, Floats]
    reviewers: Integers
    cases: Integers
    texts: Sequence[str] = field(default=())
    owners: Integers | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.reviewers), len(self.cases), *map(len, self.features.values())}
        lengths |= set(map(len, self.aspects.values())) | ({len(self.texts)} if self.texts else set())
        if len(lengths) > 1:
            raise ValueError(f"All columns of opinions must be equally long; these are {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.reviewers)


def varies(column: Floats) -> bool:
    """Whether its known values differ."""
    import numpy as np

    known = column[np.isfinite(column)]
    return len(known) > 0 and bool(known.min() < known.max())


def codes_of(names: Sequence[object]) -> Integers:
    """Codes 0, 1, ... in the order in which the names first come."""
    import numpy as np

    seen: dict[object, int] = {}
    return np.fromiter((seen.setdefault(name, len(seen)) for name in names), np.int64, len(names))
