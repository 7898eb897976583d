"""What the database alone can do with the same rows: pgbench's INSERT, and COPY. As a superuser, past row security."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
from uuid_utils.compat import uuid7

from project.services.binaries import postgres_programs
from project.services.place import Place

COLUMNS = (
    'id, organization_id, created_at, updated_at, agent_id, execution_id, execution_external_id, "user", feedback_type,'
    " rating, feedback_text, correction_text, issue_categories, consent, idempotency_key, digest"
)
DIGEST = "0" * 64
TPS = re.compile(r"tps = ([0-9.]+)")


@dataclass(frozen=True)
class Rows:
    """Rows of feedback about one execution of one agent, in the database of a set of servers."""

    place: Place
    organization_id: str
    agent_id: str
    execution_id: str

    def insert_rate(self, connections: int, seconds: float) -> float:
        """Transactions of one INSERT per second, by pgbench with prepared statements."""
        values = self._values("uuidv7()", "now()", "'pgbench-' || uuidv7()")
        program = postgres_programs(self.place.account) / "pgbench"
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(f"INSERT INTO learning_agentfeedback ({COLUMNS}) VALUES ({values});\n")  # noqa: S608  our own
            script.flush()
            Path(script.name).chmod(0o644)
            argv = [
                str(program), "--no-vacuum", "--protocol=prepared", f"--client={connections}", "--jobs=1",
                f"--time={max(1, round(seconds))}", f"--file={script.name}", f"--host={self.place.sockets}",
                "--username=postgres", "als",
            ]  # fmt: skip
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
        found = TPS.search(done.stdout)
        if done.returncode or not found:
            raise RuntimeError(f"pgbench failed: {done.stderr[-1000:]}")
        return float(found[1])

    def copy_rate(self, connections: int, batches: int, size: int) -> float:
        """Rows per second: so many batches on each connection, each batch a COPY in a transaction of its own."""
        work = [[self._lines(size) for _ in range(batches)] for _ in range(connections)]
        opened = [self.connect() for _ in range(connections)]
        try:
            with ThreadPoolExecutor(connections) as pool:
                started = time.perf_counter()
                list(pool.map(self._copy, opened, work))
                took = time.perf_counter() - started
        finally:
            for connection in opened:
                connection.close()
        return connections * batches * size / took

    def fill(self, rows: int) -> None:
        """Store so many rows more, without the checks of a request: 50,000 in a transaction."""
        values = self._values("uuidv7()", "now()", "'fill-' || uuidv7()")
        with self.connect() as connection:
            connection.execute("SET session_replication_role = replica")
            while rows > 0:
                part = min(rows, 50_000)
                connection.execute(
                    f"INSERT INTO learning_agentfeedback ({COLUMNS}) SELECT {values} FROM generate_series(1, %s)",  # type: ignore[arg-type] # noqa: S608  our own
                    [part],
                )
                connection.commit()
                rows -= part
            connection.autocommit = True
            connection.execute("VACUUM (ANALYZE) learning_agentfeedback")  # autovacuum would, while we measure
            connection.execute("CHECKPOINT")

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.place.sockets), user="postgres", dbname="als")

    def _copy(self, connection: psycopg.Connection, batches: list[bytes]) -> None:
        for lines in batches:
            with connection.cursor().copy(f"COPY learning_agentfeedback ({COLUMNS}) FROM STDIN") as copy:
                copy.write(lines)
            connection.commit()

    def _values(self, row_id: str, moment: str, key: str) -> str:
        known = f"'{self.organization_id}', {moment}, {moment}, '{self.agent_id}', '{self.execution_id}'"
        said = "'exec-1', 'user-1', 'star_rating', 4, 'Right and short.', '', '{}', true"
        return f"{row_id}, {known}, {said}, {key}, '{DIGEST}'"

    def _lines(self, size: int) -> bytes:
        known = "\t".join([self.organization_id, "now", "now", self.agent_id, self.execution_id])
        said = "exec-1\tuser-1\tstar_rating\t4\tRight and short.\t\t{}\tt"
        return "".join(f"{uuid7()}\t{known}\t{said}\tcopy-{uuid7()}\t{DIGEST}\n" for _ in range(size)).encode()
