"""The seams of the engines. Whatever fits one of these can be put in; nothing else is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from learning.engines.types import Completion, CompletionRequest

if TYPE_CHECKING:  # see docs/decisions/0011
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

Tick = Callable[[], None]


class LanguageModel(Protocol):
    """Answers chats."""

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        """Answer every request: one completion each, in the same order.

        `tick` is called about once a second while waiting; what it raises stops the work and passes through.
        Raises ModelUnavailable when the model cannot be reached and BudgetExceeded before a call too many.
        A request that the model refuses comes back with `error` set and does not raise.
        """
        ...


class Embedder(Protocol):
    """Turns texts into vectors whose dot product says how alike they are."""

    @property
    def name(self) -> str:
        """Names the vector space: vectors of two names must never be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row for each text, of unit length (all zeros for an empty text)."""
        ...


class Metric(Protocol):
    """Scores an answer: 1.0 is right, 0.0 is wrong, higher is better, never outside."""

    def __call__(self, output: str, expected: str, /) -> float: ...


class Progress(Protocol):
    """Hears how far a run is and may stop it by raising Cancelled. Called often: make it cheap."""

    def __call__(self, step: int, total: int, message: str, /) -> None: ...
