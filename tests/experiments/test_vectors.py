"""The server's reference, the Python client and the JavaScript client give the same of 10,000 askers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from agent_learning.assignment import Ruleset

from experiments.bucketing import BUCKETS
from tests.clients.test_js_node import LEARNING, NODE, in_node
from tests.experiments.assignment_vectors import digest_of, expected, make_cases, make_rules

RULES = make_rules()
CASES = make_cases(RULES)
DOCS = Path(__file__).parents[2] / "docs" / "assignment.md"


@pytest.fixture(scope="module")
def answers() -> list[str]:
    return [expected(RULES, case) for case in CASES]


def test_the_page_publishes_what_the_reference_answers(answers: list[str]) -> None:
    assert re.findall(r"`([0-9a-f]{64})`", DOCS.read_text(encoding="utf-8")) == [digest_of(answers)]
    assert len(set(answers)) > 2000  # the cases tell something: units, arms, testers, pauses, askers without a name
    assert answers.count("ask") > 100


def test_the_python_client_answers_alike(answers: list[str]) -> None:
    rules = Ruleset(RULES)
    found = []
    for case in CASES:
        choice = rules.choose(**case)
        found.append(f"{choice[0].id}|{choice[0].variant}|{choice[1]}" if choice else "ask")
    assert found == answers


def test_an_experiment_on_everybody_has_the_same_arms_whatever_else_is_known_of_a_user() -> None:
    everybody = {"testers": {}, "coverage": BUCKETS, "unit": "user", "status": "running", "local": True}
    agents = [one | {"experiments": [e | everybody for e in one["experiments"]]} for one in RULES["agents"][5:25]]
    rules = RULES | {"agents": agents}
    client = Ruleset(rules)
    for case in ({"agent": agent["agent_id"], "user": f"user-{n}"} for agent in agents for n in range(20)):
        for names in ({}, {"session": "s-1"}):
            choice = client.choose(**case, **names)
            assert choice is not None and choice[2]
            assert f"{choice[0].id}|{choice[0].variant}|{choice[1]}" == expected(rules, case)
    nobody = client.choose("agent-5")
    assert nobody is not None and nobody[1:] == ("", False), "without a name: what serves"


@pytest.mark.skipif(NODE is None, reason="no Node on the path")
def test_the_javascript_client_answers_alike(answers: list[str], tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps({"rules": RULES, "cases": CASES}), encoding="utf-8")
    found = in_node(
        """
        const { choose } = await import(given.module);
        const { readFileSync } = await import("node:fs");
        const { rules, cases } = JSON.parse(readFileSync(given.file, "utf8"));
        const told = ({ config, unit }) => `${config.id}|${config.variant}|${unit}`;
        answer(cases.map(({ agent, ...names }) => {
          const chosen = choose(rules, agent, names);
          return chosen ? told(chosen) : "ask";
        }));
        """,
        module=(LEARNING / "assignment.js").as_uri(),
        file=str(tmp_path / "given.json"),
    )
    assert found == answers


@pytest.mark.parametrize("name", ["x" * 201, "🙂" * 201])
def test_a_name_that_is_too_long_is_refused_by_both(name: str) -> None:
    with pytest.raises(ValueError, match="at most 200"):
        Ruleset(RULES).choose("agent-9", name)
    if NODE is not None:
        code = "const { choose } = await import(given.module);"
        code += "try { choose(given.rules, 'agent-9', { user: given.name }); } catch (error) { answer(error.name); }"
        module = (LEARNING / "assignment.js").as_uri()
        assert in_node(code, module=module, rules=RULES, name=name) == "RangeError"
