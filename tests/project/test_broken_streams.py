"""Half an answer is not taken for the whole: its connection is cut, and no other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from project.services.options import Options
from project.services.programs import web
from tests.project.breaking_app import PIECE
from tests.project.web_server import ROOT
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the product's web server with the breaking application; one process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [
        part.replace("project.wsgi:", "tests.project.breaking_app:") for part in web(Options.from_environment()).argv
    ]
    for name, value in (("--workers", "1"), ("--port", str(port)), ("--host", "127.0.0.1")):
        argv[argv.index(name) + 1] = value
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, cwd=ROOT, env=os.environ, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        wait_until(lambda: is_open(port), 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def read_slowly(address: str) -> int:
    """The bytes of an answer that nobody reads in its first seconds."""
    with httpx.stream("GET", address, timeout=30) as answer:
        time.sleep(3)
        return sum(map(len, answer.iter_bytes()))


def test_an_answer_that_ends_as_it_should_arrives_whole(server: str) -> None:
    assert len(httpx.get(f"{server}/3/0/whole").content) == 3 * len(PIECE)
    assert httpx.get(f"{server}/0/0/whole").content == b""


@pytest.mark.parametrize("pieces", [1, 5])
def test_who_reads_at_once_sees_that_the_end_is_missing(server: str, pieces: int) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        httpx.get(f"{server}/{pieces}/0")


def test_who_reads_slowly_sees_that_the_end_is_missing(server: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        read_slowly(f"{server}/6/0")


def test_what_breaks_before_it_begins_is_an_error_of_ours(server: str) -> None:
    assert httpx.get(f"{server}/0/0").status_code == 500


def test_other_connections_of_the_same_address_are_left_alone(server: str) -> None:
    with httpx.Client(base_url=server, timeout=30) as kept, ThreadPoolExecutor(2) as pool:
        assert kept.get("/1/0/whole").status_code == 200
        others = [pool.submit(httpx.get, f"{server}/{pieces}/2/whole", timeout=30) for pieces in (2, 4)]
        time.sleep(0.5)
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            httpx.get(f"{server}/3/0")
        assert [len(one.result().content) for one in others] == [2 * len(PIECE), 4 * len(PIECE)]
        assert kept.get("/2/0/whole").status_code == 200, "it can still be used"
