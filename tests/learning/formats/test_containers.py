"""Archives: only what can be counted while it is decompressed, and only plain short names."""

from __future__ import annotations

import os
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


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="neither a file nor a folder"):
        parts_of(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        parts_of(tmp_path / "nothing")


def test_the_name_of_a_file_that_is_no_text_is_shown_as_one(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.arrow")).write_bytes(b"1")
    (part,) = parts_of(tmp_path)
    assert part.name == "?.arrow"
    with part.open() as file:
        assert file.read() == b"1"
