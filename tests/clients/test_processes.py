"""The end of a process, and processes that fork: what was recorded arrives, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.scripted_server import ScriptedServer

PACKAGE = Path(__file__).resolve().parents[2] / "clients" / "python"


def run(server: ScriptedServer, code: str, seconds: float = 30) -> subprocess.CompletedProcess[str]:
    """A Python of its own, with `learning`, a client that sends a batch once a minute."""
    begin = (
        "import os, sys, time\nfrom agent_learning import Background, Client\n"
        f"learning = Client({server.url!r}, 'sk_test', background=Background(interval=60, exit_timeout=2))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", begin + code],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def names(server: ScriptedServer) -> list[str]:
    return sorted(item["input"] for item in server.all_items("executions"))


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise KeyError('end')"])
def test_what_waits_at_the_end_of_the_process_is_sent(server: ScriptedServer, end: str) -> None:
    done = run(server, f"for n in range(500): learning.log_execution(agent='support', input=str(n))\n{end}")
    assert len(set(names(server))) == 500, done.stderr


def test_a_process_ends_in_time_when_the_server_is_away(server: ScriptedServer) -> None:
    server.stop()
    done = run(server, "learning.log_execution(agent='support')\nstart = time.time()", 15)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


FORK = """
learning.log_execution(agent='support', input='parent before')
child = os.fork()
learning.log_execution(agent='support', input='child' if child == 0 else 'parent after')
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_sends_its_own_and_leaves_the_parent_its_own(server: ScriptedServer) -> None:
    done = run(server, FORK)
    assert done.returncode == 0, done.stderr
    assert names(server) == ["child", "parent after", "parent before"]


FORK_AFTER_SENDING = """
learning.log_execution(agent='support', input='first')
assert learning.flush()
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        for n in range(20):
            learning.log_execution(agent='support', input=f'{number} {n}')
        assert learning.flush()
        assert learning.counts.stored == 20
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
learning.log_execution(agent='support', input='last')
"""


def test_workers_that_are_forked_while_connections_are_open_do_not_share_them(server: ScriptedServer) -> None:
    done = run(server, FORK_AFTER_SENDING)
    assert done.returncode == 0, done.stderr
    assert len(set(names(server))) == len(names(server)) == 82
    assert len(server.connections) == 5, "the parent and four children have one each"


PROCESSES = """
import multiprocessing
def work(number):
    learning.log_execution(agent='support', input=f'worker {number}')
context = multiprocessing.get_context('fork')
workers = [context.Process(target=work, args=(number,)) for number in range(3)]
for worker in workers: worker.start()
for worker in workers: worker.join()
"""


def test_a_process_of_multiprocessing_sends_what_it_has_before_it_ends(server: ScriptedServer) -> None:
    done = run(server, PROCESSES)
    assert done.returncode == 0, done.stderr
    assert names(server) == ["worker 0", "worker 1", "worker 2"]


FORK_WHILE_BUSY = """
import threading
stop = threading.Event()
def busy():
    while not stop.is_set():
        learning.log_execution(agent='support', input='busy')
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads: thread.start()
children = []
for number in range(20):
    child = os.fork()
    if child == 0:
        learning.log_execution(agent='support', input=f'child {number}')
        os._exit(0 if learning.flush(20) else 1)
    children.append(child)
stop.set()  # every fork is done; what the children send need not wait for a flood
for thread in threads: thread.join()
codes = [os.waitpid(child, 0)[1] for child in children]
assert codes == [0] * 20, codes
os._exit(0)
"""


def test_a_lock_that_another_thread_holds_during_a_fork_does_not_stop_the_child(server: ScriptedServer) -> None:
    done = run(server, FORK_WHILE_BUSY, 60)
    assert done.returncode == 0, done.stderr
    assert {f"child {number}" for number in range(20)} <= set(names(server))
