"""Functions whose calls are decisions of the execution that is being recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from agent_learning.recording import Decision, current
from agent_learning.wrapping import watch

F = TypeVar("F", bound=Callable[..., Any])


def decided(decision_point: str = "", *, texts: bool = True) -> Callable[[F], F]:
    """Make each call of a function a decision of the execution that is being recorded; outside of one it just runs.

    `decision_point`: the function's name when left out. `texts=False` leaves arguments and result out.
    """

    def decorate(function: F) -> F:
        name = decision_point or getattr(function, "__name__", "decision")
        return watch(function, lambda given: _WatchedDecision(name, given if texts else None))

    return decorate


class _WatchedDecision:
    """A decision while its function runs."""

    def __init__(self, name: str, given: Mapping[str, Any] | None) -> None:
        self._decision = Decision(name, input=dict(given) if given else None)
        self._told = given is not None
        self.output: Any = None

    def begin(self) -> None:
        recording = current()
        if recording is not None:
            recording.add(self._decision)

    def end(self, error: BaseException | None = None) -> None:
        if error is not None:
            self._decision.output = {"error": f"{type(error).__name__}: {error}"[:2000]}
        elif self._told:
            self._decision.output = self.output

    def active(self) -> AbstractContextManager[None]:
        return nullcontext()
