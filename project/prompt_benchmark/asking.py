"""Two layers around the model: one remembers answers for all sides, one counts and limits the calls of one side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from learning.engines.errors import BudgetExceeded, EngineError
from learning.engines.protocols import LanguageModel, Tick
from learning.engines.types import Completion, CompletionRequest
from learning.llm_cache import cache_key

AT_ONCE = 16  # answers between two writings to the file


class RememberedAnswers:
    """Asks the model each question once; `asked` counts what really went there. With a file, answers stay."""

    def __init__(self, model: LanguageModel, file: Path | None = None) -> None:
        self._model = model
        self._file = file
        self._answers = _read(file)
        self.asked = 0

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        keys = [cache_key("", request) for request in requests]
        unknown = {key: one for key, one in zip(keys, requests, strict=True) if key not in self._answers}
        refused: dict[str, Completion] = {}
        for start in range(0, len(unknown), AT_ONCE):
            part = list(unknown.items())[start : start + AT_ONCE]
            completions = self._model.complete_many([one for _, one in part], tick=tick)
            self.asked += len(part)
            for (key, _), completion in zip(part, completions, strict=True):
                self._keep(key, completion, refused)
        return [refused.get(key) or Completion(self._answers[key]) for key in keys]

    def _keep(self, key: str, completion: Completion, refused: dict[str, Completion]) -> None:
        if completion.error:
            refused[key] = completion
            return
        self._answers[key] = completion.text
        if self._file:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, completion.text]) + "\n")


class Meter:
    """The model as one side sees it: every call counts, remembered or not, and none goes over the limit.

    `spent` once something was refused. `failure` is what the model itself raised, since gepa goes on after it.
    """

    def __init__(self, model: LanguageModel, limit: int) -> None:
        self._model = model
        self.limit = limit
        self.calls = 0
        self.spent = False
        self.failure: EngineError | None = None

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        if self.calls + len(requests) > self.limit:
            self.spent = True
            raise BudgetExceeded(f"{len(requests)} more calls would go over the limit of {self.limit}.")
        self.calls += len(requests)
        try:
            return self._model.complete_many(requests, tick=tick)
        except EngineError as error:
            self.failure = error
            raise


def _read(file: Path | None) -> dict[str, str]:
    """Answers written before. A line that a killed process left unfinished is left out."""
    answers: dict[str, str] = {}
    if file and file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                key, text = json.loads(line)
            except ValueError:
                continue
            answers[key] = text
    return answers
