"""static/learning in Node: the client against a running server, batches, and tokens that the server takes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from learning.models import AgentFeedback, Execution
from organizations.scope import organization_scope
from organizations.tokens import read_token
from tests import factories

LEARNING = Path(__file__).resolve().parents[2] / "static" / "learning"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no Node on the path")


DOCS = LEARNING.parents[1] / "docs"
BLOCKS = [
    pytest.param(block, id=f"{name} {index}")
    for name in ("javascript.md", "widget.md")
    for index, block in enumerate(re.findall(r"```js\n(.*?)```", (DOCS / name).read_text(), re.S))
]


def in_node(code: str, **given: Any) -> Any:
    """What `answer(value)` was given by the code, which has the modules' exports and `given` at hand."""
    program = f"""
      import * as client from {json.dumps((LEARNING / "client.js").as_uri())};
      import {{ mintFeedbackToken }} from {json.dumps((LEARNING / "tokens.js").as_uri())};
      const {{ AgentLearning, Batcher }} = client;
      const given = {json.dumps(given)};
      const answer = (value) => console.log(JSON.stringify(value));
      {code}"""
    command = [str(NODE), "--input-type=module", "--eval", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.django_db(transaction=True)
def test_executions_and_feedback_travel_in_batches_and_a_refusal_is_told_of_its_item(live_server: Any) -> None:
    organization = factories.make_organization()
    told = in_node(
        """
        const learning = new AgentLearning({ endpoint: given.url, key: given.key });
        const runs = learning.executionBatch({ size: 2 });
        for (const n of [1, 2, 3]) runs.add({ agent: "support", execution: `x-${n}`, input: "Hi", output: "Yo" });
        await runs.close();
        const feedback = learning.feedbackBatch();
        const [good, bad] = [4, 9].map((rating) => feedback.add({ execution: "x-1", type: "star_rating", rating }));
        await feedback.flush();
        const stats = await learning.feedbackStats("support");
        const refusal = await bad.catch((error) => [error.name, error.status, error.errors[0].field]);
        answer({ id: (await good).id, refusal, total: stats.total_feedback, waiting: feedback.waiting });
        """,
        url=f"{live_server.url}/api/learning/",
        key=factories.make_key(organization),
    )
    with organization_scope(organization.id):
        assert Execution.objects.count() == 3
        assert str(AgentFeedback.objects.get().pk) == told.pop("id")
    assert told == {"refusal": ["InvalidError", 400, "rating"], "total": 1, "waiting": 0}


@pytest.mark.django_db(transaction=True)
def test_a_token_made_in_node_sends_feedback_without_a_key(live_server: Any) -> None:
    organization = factories.make_organization()
    in_node(
        """
        const { url: endpoint, key } = given;
        await new AgentLearning({ endpoint, key }).logExecution({ agent: "support", execution: "x-1" });
        const token = mintFeedbackToken(key, { agent: "support", execution: "x-1", types: ["thumbs_up"] });
        const page = new AgentLearning({ endpoint, token, retries: 0 });
        await page.sendFeedback({ type: "thumbs_up" });
        answer(await page.sendFeedback({ type: "thumbs_down" }).catch((error) => error.status));
        """,
        url=f"{live_server.url}/api/learning/",
        key=factories.make_key(organization),
    )
    with organization_scope(organization.id):
        row = AgentFeedback.objects.get()
        assert row.feedback_type == "thumbs_up"
        assert row.execution is not None


def test_a_token_says_what_it_was_made_for() -> None:
    token = in_node(
        """answer(mintFeedbackToken("sk_0123456789abcdef", { agent: "Müller & Söhne", execution: "x", user: "u",
                                     types: ["correction"], lifetime: 60, now: 1_000_000 }))"""
    )
    grant = read_token(token)
    assert (grant.agent_id, grant.execution_id, grant.user_id) == ("Müller & Söhne", "x", "u")
    assert (grant.key_prefix, grant.expires, grant.types) == ("sk_0123456", 1060, frozenset({"correction"}))


@pytest.mark.parametrize(
    "wrong",
    ["'pk_1', {}", "'sk_1', { agent: '', execution: 'x' }", "'sk_1', { agent: 'a', execution: 'x', lifetime: 90000 }"],
)
def test_what_the_server_would_refuse_is_refused_at_once(wrong: str) -> None:
    assert in_node(f"try {{ mintFeedbackToken({wrong}); }} catch (error) {{ answer(error.name); }}") == "RangeError"


def test_a_batch_that_failed_is_sent_again_with_the_same_items() -> None:
    told = in_node(
        """
        const seen = [];
        const send = async (items) => {
          seen.push(items);
          if (seen.length < 2) throw new client.ServerError("Busy", { status: 503 });
          return { results: items.map((_, index) => ({ index, status: 201, id: `id-${index}` })) };
        };
        const batch = new Batcher(send, { size: 10, every: 5 });
        answer({ ids: await Promise.all([batch.add("a"), batch.add("b")]), seen });
        """
    )
    assert told == {"ids": [{"id": "id-0"}, {"id": "id-1"}], "seen": [["a", "b"], ["a", "b"]]}


def test_a_full_or_closed_batch_says_so() -> None:
    assert in_node(
        """
        const batch = new Batcher(async () => ({ results: [] }), { size: 10, limit: 1, every: 1 });
        batch.add(1);
        const full = await batch.add(2).catch((error) => error.message);
        await batch.close();
        answer([full, await batch.add(3).catch((error) => error.message)]);
        """
    ) == ["Too many items are waiting.", "This batch is closed."]


def test_a_write_that_is_no_feedback_is_not_repeated_after_a_lost_answer() -> None:
    assert in_node(
        """
        let asked = 0;
        globalThis.fetch = async () => { asked++; throw new TypeError("lost"); };
        const learning = new AgentLearning({ endpoint: "http://127.0.0.1:9/", key: "sk_1", retries: 1 });
        const name = await learning.createTrainingRun({ agent: "a" }).catch((error) => error.name);
        const after = asked;
        await learning.stats().catch(() => {});
        answer([name, after, asked]);
        """
    ) == ["UnreachableError", 1, 3]


def test_aborting_ends_the_call_with_the_reason_of_the_signal() -> None:
    assert (
        in_node(
            """
        globalThis.fetch = (_, { signal }) =>
          new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
        const learning = new AgentLearning({ endpoint: "http://127.0.0.1:9/", key: "sk_1" });
        const stop = new AbortController();
        setTimeout(() => stop.abort(new Error("enough")), 10);
        answer(await learning.stats({ signal: stop.signal }).catch((error) => error.message));
        """
        )
        == "enough"
    )


def test_the_types_declare_what_the_client_exports() -> None:
    declared = (LEARNING / "client.d.ts").read_text()
    names, methods = in_node("""answer([Object.keys(client), Object.getOwnPropertyNames(AgentLearning.prototype)])""")
    classes = set(re.findall(r"^export (?:class|function) (\w+)", declared, re.M))
    assert classes == set(names)
    body = declared.split("export class AgentLearning {")[1]
    assert set(re.findall(r"^  (\w+)[<(]", body, re.M)) == set(methods)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_code_of_the_documentation_is_javascript(block: str, tmp_path: Path) -> None:
    file = tmp_path / "block.mjs"
    file.write_text(block)
    done = subprocess.run([str(NODE), "--check", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db(transaction=True)
def test_the_first_example_of_the_documentation_runs_as_written(live_server: Any, tmp_path: Path) -> None:
    organization = factories.make_organization()
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "agent-learning").symlink_to(LEARNING)
    example = str(BLOCKS[0].values[0]).replace("http://127.0.0.1:8000", live_server.url)
    (tmp_path / "example.mjs").write_text(example)
    environment = {**os.environ, "AGENT_LEARNING_KEY": factories.make_key(organization)}
    done = subprocess.run(
        [str(NODE), "example.mjs"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:5] == ["400", "[", "{", "field:", "'rating',"]
    with organization_scope(organization.id):
        assert AgentFeedback.objects.get().execution.external_id == "exec-123"
