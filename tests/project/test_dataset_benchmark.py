"""The parts of the benchmark of datasets that could wait for ever."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from project.dataset_benchmark import sending


def test_an_export_that_does_not_end_fails_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LONGEST", timedelta(milliseconds=20))
    with pytest.raises(RuntimeError, match="the export jsonl took longer"):
        sending.send(uuid4(), uuid4(), "jsonl")
