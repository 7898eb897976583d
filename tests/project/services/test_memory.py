"""The embedded database's cache follows the memory that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from project.services.memory import database_cache_mb, memory_mb


@pytest.mark.parametrize(("memory", "cache"), [(512, 128), (1024, 128), (8192, 1024), (23 * 1024, 2048)])
def test_the_cache_is_an_eighth_of_the_memory_within_bounds(memory: int, cache: int) -> None:
    assert database_cache_mb(memory) == cache


def test_a_container_has_what_it_may_use(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(f"{300 << 20}\n")
    assert memory_mb(limit) == 300


@pytest.mark.parametrize("said", ["max\n", None])
def test_without_a_limit_it_is_the_machine_that_counts(tmp_path: Path, said: str | None) -> None:
    limit = tmp_path / "memory.max"
    if said is not None:
        limit.write_text(said)
    assert memory_mb(limit) == memory_mb(tmp_path / "nothing") > 300
