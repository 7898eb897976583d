"""Archives: only what can be counted while it is decompressed, and only plain short names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from learning.formats.bounds import FREE, BadFile
from learning.formats.containers import parts_of


def zipped(path: Path, method: int, content: bytes = b"{}\n", name: str = "rows.jsonl") -> Path:
    with zipfile.ZipFile(path, "w", compression=method) as archive:
        archive.writestr(name, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_decompress_everything_at_once_are_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(BadFile, match="another method than Deflate"):
        parts_of(zipped(tmp_path / "rows.zip", method))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_ordinary_archives_are_read(tmp_path: Path, method: int) -> None:
    (part,) = parts_of(zipped(tmp_path / "rows.zip", method))
    with part.open() as file:
        assert file.read() == b"{}\n"


def test_a_deflated_bomb_is_stopped_while_it_is_read(tmp_path: Path) -> None:
    (part,) = parts_of(zipped(tmp_path / "rows.zip", zipfile.ZIP_DEFLATED, b" " * (FREE + 4_000_000)))
    with part.open() as file, pytest.raises(BadFile, match="times as large"):
        while file.read(1_000_000):
            pass


def test_a_name_that_would_stand_before_each_problem_is_short(tmp_path: Path) -> None:
    zipped(tmp_path / "short.zip", zipfile.ZIP_STORED, name="n" * 200)
    assert parts_of(tmp_path / "short.zip")[0].name == "n" * 200
    with pytest.raises(BadFile, match="longer than 200 characters"):
        parts_of(zipped(tmp_path / "long.zip", zipfile.ZIP_STORED, name="n" * 201))
