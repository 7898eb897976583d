"""`manage.py drill_intake`: kill -9 of web workers and PostgreSQL under load, then a look for what got lost."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from project.drill.ledger import Ledger, Verdict, compare
from project.drill.senders import LARGEST_BATCH, Senders
from project.drill.targets import Targets
from project.services import programs
from project.services.children import Child
from project.services.cluster import Cluster, throwaway_cluster, throwaway_name
from project.services.errors import ServiceError
from project.services.local_model import free_port
from project.services.options import Options
from project.services.ports import answers
from project.services.seeds import is_migrated, seed_path

INSIDE = "ALS_DRILL_INSIDE"  # set once our settings point at the drill's own cluster
PURPOSE = "drill"
OTHERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "ALS_DATABASE_ROLE", "ALS_TEST_DATABASE")
NO_RATE_LIMIT = {"INTAKE_RATE_PER_MINUTE": "1000000000"}
ITEMS_PER_KILL = 2500
FEWEST_KILLS = 8
STUCK = 180.0  # seconds without an acknowledgement after which the drill has failed
TICK = 0.05


class Command(BaseCommand):
    help = (
        "Send feedback to the product's web service on a durable throw-away cluster, kill web workers, the web service,"
        " database processes and PostgreSQL with -9 at random, restart them, and compare every acknowledged item with"
        " the database. Ends with 1 unless nothing is lost and nothing is doubled. Linux."
    )
    requires_system_checks: list[str] = []  # the cluster is not there yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--items", type=int, default=100_000)
        parser.add_argument("--threads", type=int, default=8, help="Clients that send at the same time.")
        parser.add_argument("--kills", type=int, default=None, help="How many; left out: 8, or one for 2,500 items.")
        parser.add_argument("--seed", type=int, default=None, help="Of the order of the kills; left out: drawn.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get(INSIDE) != str(os.getpid()):
            _start_inside_own_cluster()
        seed = options["seed"] if options["seed"] is not None else random.SystemRandom().randrange(1_000_000)
        started, load = time.monotonic(), os.getloadavg()[0]
        try:
            with throwaway_cluster(PURPOSE, durable=True, seed=seed_path()) as cluster:
                kills = options["kills"] or max(FEWEST_KILLS, options["items"] // ITEMS_PER_KILL)
                figures = self._drill(cluster, options["items"], kills, options["threads"], seed)
        except ServiceError as error:
            raise CommandError(str(error)) from error
        figures |= {
            "seconds": round(time.monotonic() - started, 1), "load_before": load, "load_after": os.getloadavg()[0],
            "seed": seed,
        }  # fmt: skip
        for name, value in figures.items():
            self.stdout.write(f"{name.replace('_', ' '):<30}{value}")
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        if not figures["holds"]:
            raise CommandError("What was acknowledged is not what is stored.")

    def _drill(self, cluster: Cluster, items: int, kills: int, threads: int, seed: int) -> dict[str, Any]:
        key, organization_id = _prepare(migrated=is_migrated(cluster))
        options = replace(Options.from_environment(), host="127.0.0.1", port=free_port())
        web = Child(replace(programs.web(options), environment=NO_RATE_LIMIT), cluster.place)
        web.start()
        try:
            _wait_for_answer(web, options.address)
            senders = Senders(options.address, key, items, threads, seed)
            targets = Targets(web, cluster, random.Random(seed))
            last = _last_kill(items, under_way=threads * LARGEST_BATCH)
            plan = _plan(list(targets.ways), kills, last, random.Random(seed))
            senders.start()
            began = time.monotonic()
            try:
                killed = self._kill_while_sending(senders, targets, plan)
            finally:
                senders.stop()
            sending = time.monotonic() - began
        finally:
            web.stop()
        if senders.ledger.unexpected:
            self.stderr.write(_failures(web.log))
        verdict = _compare(organization_id, senders.ledger)
        return _figures(verdict, senders.ledger, killed, sending, complete=verdict.acknowledged == items)

    def _kill_while_sending(self, senders: Senders, targets: Targets, plan: list[tuple[int, str]]) -> dict[str, int]:
        """Kill something each time when some more items are acknowledged; how often each was hit."""
        kills = dict.fromkeys(targets.ways, 0)
        while senders.working:
            targets.watch()
            done = len(senders.ledger.acknowledged)
            if plan and done >= plan[0][0]:
                name = plan[0][1]
                if targets.kill(name):
                    kills[name] += 1
                    plan.pop(0)
                    self.stderr.write(f"{done:>7} acknowledged; killed {name.replace('_', ' ')}")
            if time.monotonic() - senders.ledger.last_progress > STUCK:
                raise CommandError(f"Nothing was acknowledged for {STUCK:.0f} s. {senders.ledger.unexpected[:3]}")
            time.sleep(TICK)
        return kills


def _start_inside_own_cluster() -> None:
    """Begin again as the same process, with settings that point at the cluster we are going to start."""
    kept = {name: value for name, value in os.environ.items() if name not in OTHERS}
    own = {"ALS_SERVICES": throwaway_name(PURPOSE), "DB_POOL": "0", INSIDE: str(os.getpid())}
    os.execve(sys.executable, [sys.executable, *sys.argv], kept | own)  # noqa: S606  ourselves, with our arguments


def _prepare(migrated: bool) -> tuple[str, Any]:
    """Tables unless they are there, an organization and its key."""
    from organizations.keys import create_api_key
    from organizations.scope import organization_scope
    from organizations.services import create_organization

    migrate = programs.manage("migrate", "-v", "0")
    if not migrated and os.spawnve(os.P_WAIT, migrate[0], migrate, os.environ | {"ALS_DATABASE_ROLE": "owner"}):  # noqa: S606
        raise CommandError("The tables could not be made.")
    call_command("check", databases=["default"])
    organization = create_organization(name="Drill", slug="drill")
    with organization_scope(organization.id):
        return create_api_key(name="drill", scopes=["ingest"])[1], organization.id


def _wait_for_answer(web: Child, address: str) -> None:
    deadline = time.monotonic() + STUCK
    while not answers(address):
        web.watch()
        if time.monotonic() > deadline:
            raise CommandError(f"The web service does not answer. {web.log}")
        time.sleep(0.1)


def _failures(log: Path) -> str:
    """What the web service said of its own defects; that the database was away is none."""
    lines = log.read_text(errors="replace").splitlines()
    told = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Closed|Timeout)\b", line)]
    return "\n".join([line for line in told if "OperationalError" not in line][-20:])


def _last_kill(items: int, under_way: int) -> int:
    """How many items are acknowledged when the last kill comes: some are still to be sent then."""
    return max(items // 2, min(items * 95 // 100, items - under_way))


def _plan(names: list[str], count: int, last: int, rng: random.Random) -> list[tuple[int, str]]:
    """(acknowledged items, what to kill then), in order; every kind comes as often as the others."""
    kinds = [names[number % len(names)] for number in range(count)]
    rng.shuffle(kinds)
    moments = sorted(rng.uniform(0.02, 1) * last for _ in range(count))
    return [(int(moment), kind) for moment, kind in zip(moments, kinds, strict=True)]


def _compare(organization_id: Any, ledger: Ledger) -> Verdict:
    from django.db import connection

    from organizations.scope import organization_scope

    connection.close()  # it may be one that a kill has cut
    with organization_scope(organization_id):
        return compare(ledger.acknowledged)


def _figures(verdict: Verdict, ledger: Ledger, kills: dict[str, int], sending: float, complete: bool) -> dict[str, Any]:
    return {
        **asdict(verdict),
        "holds": verdict.holds and complete and not ledger.unexpected,
        "unexpected_answers": len(ledger.unexpected),
        "first_unexpected": ledger.unexpected[:3],
        "kills": sum(kills.values()),
        **{f"killed_{name}": count for name, count in kills.items()},
        **{name: ledger.counts[name] for name in ("repeated", "broken_connections", "answered_503", "answered_429")},
        "sent_again": ledger.counts["sent_again"],
        "longest_gap_s": round(ledger.longest_gap, 1),
        "items_per_s": round(verdict.acknowledged / sending, 1),
    }
