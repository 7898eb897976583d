"""The files in a file: itself, what is compressed in it, members of an archive, or a folder of arrow files. Pure."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from learning.formats.bounds import BadFile, Inflated, check_name

BUFFER = 1 << 20
MOST_MEMBERS = 200
SYMBOLIC_LINK = 0o120000
# The other ways give all that one read becomes at once, before anybody can count it.
METHODS = (ZIP_STORED, ZIP_DEFLATED)


@dataclass(frozen=True)
class Part:
    """One stream of records. `path`: where it lies by itself, None inside something else."""

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None


def parts_of(path: Path) -> list[Part]:
    """What is to be read, in its order. Raises BadFile."""
    if path.is_dir():
        return _folder(path)
    if path.exists() and not path.is_file():
        raise BadFile("it is neither a file nor a folder")  # a pipe or a device may have no end, and is read once
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        return [Part(path.name, lambda: _gunzip(path))]
    if head == b"PK\x03\x04":
        return _archive(path)
    return [Part(path.name, lambda: path.open("rb", buffering=BUFFER), path)]


def _gunzip(path: Path) -> BinaryIO:
    inner: Any = gzip.GzipFile(path)
    return _buffered(inner, inner.fileobj.tell)


def _buffered(inner: Any, spent: Callable[[], int]) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(Inflated(inner, spent), BUFFER))


def _archive(path: Path) -> list[Part]:
    try:
        with ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise BadFile("the archive is damaged") from error
    if len(members) > MOST_MEMBERS:
        raise BadFile(f"the archive has more than {MOST_MEMBERS} files")
    for member in members:
        check_name(member.filename)
        if member.flag_bits & 1 or (member.external_attr >> 16) & 0o170000 == SYMBOLIC_LINK:
            raise BadFile("the archive holds a link or something encrypted")
        if member.compress_type not in METHODS:
            raise BadFile("the archive is compressed by another method than Deflate: zip it anew in the ordinary way")
    members = _data_of(members)
    return [Part(one.filename, lambda one=one: _member(path, one)) for one in members]  # type: ignore[misc]


def _data_of(members: list[ZipInfo]) -> list[ZipInfo]:
    arrows = [one for one in members if one.filename.endswith(".arrow")]
    data = arrows or [one for one in members if not Path(one.filename).name.startswith(".")]
    if not data:
        raise BadFile("the archive is empty")
    return sorted(data, key=lambda one: one.filename)


def _member(path: Path, member: ZipInfo) -> BinaryIO:
    try:
        inner = ZipFile(path).open(member)  # noqa: SIM115  the member keeps the archive open as long as it is read
    except (BadZipFile, NotImplementedError) as error:
        raise BadFile("the archive is damaged, or compressed in a way that is not known here") from error
    return _buffered(inner, lambda: member.compress_size)


def _folder(path: Path) -> list[Part]:
    """A dataset as the library `datasets` writes it to disk: arrow files, in folders by split where there are some."""
    files = [file for folder in _split_folders(path) for file in _arrow_files(folder)]
    if not files:
        raise BadFile("the folder holds no arrow files: datasets' save_to_disk writes some")
    return [_arrow_part(file, str(file.relative_to(path))) for file in files]


def _arrow_part(file: Path, name: str) -> Part:
    shown = name.encode(errors="replace").decode()  # the system takes any bytes for a name
    return Part(shown, lambda: file.open("rb", buffering=BUFFER), file)


def _split_folders(path: Path) -> list[Path]:
    listed = path / "dataset_dict.json"
    if not listed.is_file():
        return [path]
    names = [str(name) for name in _read_json(listed).get("splits", [])]
    for name in names:
        check_name(name)
    return [path / name for name in names]


def _arrow_files(folder: Path) -> list[Path]:
    state = folder / "state.json"
    if not state.is_file():
        return sorted(folder.glob("*.arrow"))
    names = [str(one.get("filename", "")) for one in _read_json(state).get("_data_files", [])]
    for name in names:
        check_name(name)
    return [folder / name for name in names]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (ValueError, OSError, RecursionError) as error:
        raise BadFile(f"{path.name} cannot be read") from error
    return value if isinstance(value, dict) else {}
