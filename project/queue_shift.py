"""A shift at the review desk for `manage.py bench_queue`: experts as processes, some of them killed in mid-work.

Each expert appends to a file of its own what was answered to it, so that what is missing in the database afterwards was
lost: a line is written after the answer and survives the process.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.db import connection, connections

from annotation.models import AnnotationQueue, Slot
from annotation.services import claim_statement, claims, leases
from annotation.services.opinions import Opinion
from annotation.services.seats import take_seat
from annotation.services.submissions import submit_annotation
from learning.models import Agent
from organizations.errors import Conflict
from organizations.models import Organization, User
from organizations.scope import organization_scope
from organizations.services import add_member, create_organization

LEASE = timedelta(seconds=5)  # instead of minutes, so that leases run out during the shift
BARE, RELEASED, DAWDLING = 0.15, 0.25, 0.002  # shares of the claims
KILL_EVERY = 2.0  # seconds
WARM_UP = 3  # claims of a new process: it connects, and compiles what it needs
MOST_FAILURES = 20  # processes that end by an error of their own, as when all start at once and the database is slow
STOCK_EXAMPLES = """
INSERT INTO learning_learningexample (id, organization_id, created_at, updated_at, agent_id, example_type, source_type,
  input_text, input_context, original_output, expected_output, rejected_output, domain, task_type, tags, review_status,
  cluster_key)
SELECT gen_random_uuid(), %(organization)s, now() - interval '1 day' * random() - interval '1 hour', now(), %(agent)s,
  (ARRAY['correction', 'negative', 'edge_case', 'positive'])[1 + n %% 4], 'user_feedback', 'Text number ' || n, '{}',
  'neutral', 'positive', '', '', '', '{}', 'pending', ''
FROM generate_series(1, %(examples)s) n"""
STOCK_SLOTS = """
INSERT INTO annotation_slot (id, organization_id, created_at, updated_at, queue_id, example_id, kind, stage, round,
  number, status, priority, tiebreak, waiting_since, opened_at, skipped_by, agent_id, domain, example_type)
SELECT gen_random_uuid(), e.organization_id, now(), now(), %(queue)s, e.id, 'review', 'quality_check', 1, n, 'open',
  array_position(ARRAY['correction', 'negative', 'edge_case', 'positive'], e.example_type::text),
  -floor(random() * 4) * 1000000 - 999, e.created_at, now() - interval '1 hour', '{}', e.agent_id, '', e.example_type
FROM learning_learningexample e CROSS JOIN generate_series(1, 2) n WHERE e.organization_id = %(organization)s"""


@dataclass(frozen=True)
class Desk:
    """An organization whose queue holds `slots` open slots, two for each example, and the experts who work there."""

    organization: Organization
    queue_id: UUID
    experts: tuple[User, ...]
    slots: int


@dataclass
class Tally:
    """What the experts were answered. Times in seconds; texts by slot."""

    service: list[float]
    statement: list[float]
    texts: list[str]
    warm_up: list[float] = field(default_factory=list)  # the first claims of each process, counted and not compared
    killed: int = 0

    @property
    def claims(self) -> int:
        return len(self.service) + len(self.statement) + len(self.warm_up)

    def add(self, other: Tally) -> None:
        self.service += other.service
        self.statement += other.statement
        self.texts += other.texts
        self.warm_up += other.warm_up
        self.killed += other.killed


def stock_desk(*, slots: int, experts: int) -> Desk:
    """A new organization with so many open slots, its statistics up to date."""
    number = uuid4().hex[:8]
    organization = create_organization(name=f"Desk {number}", slug=f"desk-{number}")
    people = [User.objects.create(username=f"expert-{number}-{one}") for one in range(experts)]
    with organization_scope(organization.id):
        agent = Agent.objects.create(external_id="bench", name="Bench")
        queue = AnnotationQueue.objects.create(name="Bench", reviews_per_item=2, filled_to="2100-01-01T00:00Z")
        for person in people:
            add_member(user=person, role="expert")
        values: dict[str, Any] = {
            "organization": organization.id,
            "agent": agent.pk,
            "queue": queue.pk,
            "examples": slots // 2,
        }
        with connection.cursor() as cursor:
            cursor.execute(STOCK_EXAMPLES, values)
            cursor.execute(STOCK_SLOTS, values)
    return Desk(organization, queue.pk, tuple(people), slots)


def work_shift(desk: Desk, *, claims_wanted: int, place: Path, kill: bool = True) -> Tally:
    """Let all experts of the desk claim and hand in until so many claims were answered."""
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]  # a forked process cannot use its parent's
    connection.settings_dict["OPTIONS"]["pool"]["max_size"] = 1  # or many experts take all that the database has
    place.mkdir(parents=True, exist_ok=True)
    share = -(-claims_wanted // len(desk.experts))
    start: Callable[[int], int] = lambda number: _start(desk, number, share, place)  # noqa: E731
    running = {start(number): number for number in range(len(desk.experts))}
    killed, failures, chance, next_kill = 0, 0, random.Random(len(running)), time.monotonic() + KILL_EVERY
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in running:
            number = running.pop(pid)
            failures += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
            if failures > MOST_FAILURES:
                raise RuntimeError(f"{failures} experts' processes ended with an error")
            if status and _answered(place, number) < share:
                running[start(number)] = number
        elif kill and time.monotonic() > next_kill:
            os.kill(chance.choice(sorted(running)), signal.SIGKILL)
            killed, next_kill = killed + 1, time.monotonic() + KILL_EVERY
        else:
            time.sleep(0.01)
    tally = _read(place)
    tally.killed = killed
    return tally


def count_duplicates(desk: Desk) -> int:
    """Slots with two reviews that count, and people whose opinion counts twice for one example."""
    statement = """
      SELECT (SELECT count(*) FROM (SELECT slot_id FROM annotation_expertannotation
                WHERE NOT extra AND superseded_by_id IS NULL AND slot_id IS NOT NULL
                GROUP BY slot_id HAVING count(*) > 1) a)
           + (SELECT count(*) FROM (SELECT 1 FROM annotation_expertannotation
                WHERE NOT extra AND superseded_by_id IS NULL
                GROUP BY example_id, expert_id HAVING count(*) > 1) b)"""
    with organization_scope(desk.organization.id), connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def count_lost(desk: Desk, texts: list[str]) -> int:
    """Texts that were answered as kept and are not there."""
    with organization_scope(desk.organization.id), connection.cursor() as cursor:
        cursor.execute("SELECT notes FROM annotation_expertannotation WHERE notes <> ''")
        kept = {row[0] for row in cursor.fetchall()}
    return len(set(texts) - kept)


def _start(desk: Desk, number: int, share: int, place: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _work(desk, number, share, place)
        code = 0
    except BaseException as error:  # a forked process must never return into its parent's code
        with suppress(OSError):
            os.write(2, f"expert {number}: {error!r}\n".encode())
    finally:
        os._exit(code)


def _work(desk: Desk, number: int, share: int, place: Path) -> None:
    leases.LEASE = LEASE
    chance, expert = random.Random(), desk.experts[number]
    answered, warm_up = _answered(place, number), WARM_UP
    log = os.open(place / f"{number}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while answered < share:
        if chance.random() < BARE:
            spent, slot, token = _claim_bare(desk, expert)
            line: dict[str, Any] = {"statement": spent}
        else:
            spent, slot, token = _claim_by_service(desk, expert)
            line = {"service": spent}
        if slot is None:
            return  # nothing is left for this person
        answered, warm_up = answered + 1, warm_up - 1
        if warm_up >= 0:
            line = {"warm_up": spent}
        os.write(log, (json.dumps(line) + "\n").encode())
        _go_on(desk, expert, slot, token, chance, log)


def _go_on(desk: Desk, expert: User, slot: UUID, token: UUID, chance: random.Random, log: int) -> None:
    """Hand in, give back, or dawdle until the lease is over and hand in then."""
    draw = chance.random()
    if draw < DAWDLING:
        time.sleep(LEASE.total_seconds() * 1.2)
    if draw > 1 - RELEASED:
        with suppress(Conflict), organization_scope(desk.organization.id):
            leases.release_item(expert=expert, slot_id=slot, lease_token=token)
        return
    text = f"{slot} {uuid4()}"
    with organization_scope(desk.organization.id):
        submit_annotation(
            expert=expert, slot_id=slot, lease_token=token, opinion=Opinion(decision="reject", notes=text)
        )
    os.write(log, (json.dumps({"text": text}) + "\n").encode())


def _claim_by_service(desk: Desk, expert: User) -> tuple[float, UUID | None, UUID]:
    """As a request does it: a transaction with its tenant, and the service in it."""
    began = time.perf_counter()
    with organization_scope(desk.organization.id):
        slot = claims.claim_next_at(expert=expert, queue_id=desk.queue_id)
    spent = time.perf_counter() - began
    return (spent, slot.pk, slot.lease_token) if slot and slot.lease_token else (spent, None, uuid4())


def _claim_bare(desk: Desk, expert: User) -> tuple[float, UUID | None, UUID]:
    """The statement alone by psycopg, in a transaction with its tenant. The seat is read beforehand, untimed."""
    token = uuid4()
    with organization_scope(desk.organization.id):
        seat = take_seat(queue=AnnotationQueue(pk=desk.queue_id), expert=expert)
    values = claims.values_of(seat, desk.organization.id, "review") | {"token": token}
    statement = claim_statement.FROM_THE_START if seat.passed_at is None else claim_statement.FROM_THE_PLACE
    bare: psycopg.Connection[Any] = connection.connection
    cursor = psycopg.ClientCursor(bare)
    began = time.perf_counter()
    with bare.transaction():
        cursor.execute("SELECT set_config('app.organization_id', %s, true)", [str(desk.organization.id)])
        cursor.execute(statement, values)
        row = cursor.fetchone()
    spent = time.perf_counter() - began
    if row is None or row[0] is None:
        return spent, None, token
    with organization_scope(desk.organization.id):
        held = Slot.objects.get(pk=row[0])
    return spent, held.pk, held.lease_token or token


def _answered(place: Path, number: int) -> int:
    path = place / f"{number}.jsonl"
    return sum('"text"' not in line for line in path.read_text().splitlines()) if path.exists() else 0


def _read(place: Path) -> Tally:
    tally = Tally([], [], [])
    lists: dict[str, list[Any]] = {
        "service": tally.service, "statement": tally.statement, "text": tally.texts, "warm_up": tally.warm_up
    }  # fmt: skip
    for path in place.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            found = json.loads(line)
            for name, value in found.items():
                lists[name].append(value)
    return tally
