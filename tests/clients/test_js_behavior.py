"""static/learning in Node: learned behavior as in the Python client, and running an agent with what was learned."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from agent_learning.behavior import Behavior, Situation, features_of

from learning.engines.behavior.cloning import clone
from learning.engines.behavior.episodes import choices_of
from learning.engines.behavior.update import choice_json
from tests.clients.scripted_server import Answer, ScriptedServer
from tests.clients.test_js_node import LEARNING, NODE, in_node
from tests.learning.engines.behavior.worlds import shop

pytestmark = pytest.mark.skipif(NODE is None, reason="no Node on the path")
CHOICES = choices_of(shop(40))
RULES = [
    {"text": "Look up first.", "check": {"kind": "after", "action": "refund", "of": "look_up"}},
    {"text": "", "check": {"kind": "asked", "action": "track"}},
    {"text": "Too late.", "check": {"kind": "not_after", "action": "look_up", "of": "refund"}},
    {"text": "Nothing that can be checked."},
]
ODD = {
    "request": "STRAẞE Σίσυφος ΌΔΟΣ ǅ ﬁne I\u0307 ınk ꭰᏣ ½ x2 e\u0301 " + "word " * 200,
    "observation": "42 ⅷ ²³ ŉ 日本語 <b>order</b> refund refund",
    "action": "send", "arguments": {"to": ["ä", None, True, 1.5], "nested": {"a b": "c\n\"d\""}, "empty": {}},
    "past": [["look_up", True], ["look_up", False]], "source": "tool", "from": "d-odd",
}  # fmt: skip
CONTENT = {
    "action_policy": clone(CHOICES).as_json(), "rules": RULES, "shown": 4,
    "demonstrations": [*(choice_json(one) for one in CHOICES[:60]), ODD],
}  # fmt: skip
PASTS: list[list[tuple[str, bool]]] = [
    [], [("look_up", False)], [("look_up", True)], [("refund", False)] * 9, [("respond", False), ("refund", False)],
]  # fmt: skip
CASES: list[dict[str, Any]] = [
    {"request": request, "observation": observation, "source": source, "past": past}
    for request, observation in (
        ("I want my money back for order 1007", None), ("hello", "the order is there"), ("", ""),
        (ODD["request"], ODD["observation"]), ("MONEY back", "ORDER refund"),
    )
    for source in ("user", "tool")
    for past in PASTS
]  # fmt: skip
CHAT = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]


def test_the_javascript_client_computes_what_the_python_client_does(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps({"content": CONTENT, "cases": CASES, "chat": CHAT}))
    told = in_node(
        """
        const { Behavior, featuresOf } = await import(given.module);
        const { readFileSync } = await import("node:fs");
        const { content, cases, chat } = JSON.parse(readFileSync(given.file, "utf8"));
        const behavior = new Behavior(content);
        answer(cases.map(({ observation, ...more }) => {
          const here = observation === null ? more : { ...more, observation };
          return {
            features: Object.fromEntries(featuresOf(here)), suggested: [...behavior.suggest(here)],
            forbidden: ["look_up", "refund", "track", "respond"].map((name) => behavior.forbids(name, here)),
            messages: behavior.messages(chat, here),
          };
        }));
        """,
        module=(LEARNING / "behavior.js").as_uri(),
        file=str(tmp_path / "given.json"),
    )
    behavior = Behavior(CONTENT)
    for case, found in zip(CASES, told, strict=True):
        here = Situation(**case)
        assert found["features"] == pytest.approx(features_of(here)), case
        suggested = behavior.suggest(here)
        assert dict(found["suggested"]) == pytest.approx(suggested)
        assert found["suggested"][0][0] == next(iter(suggested))
        assert found["forbidden"] == [
            behavior.forbids(name, here) for name in ("look_up", "refund", "track", "respond")
        ]
        assert found["messages"] == behavior.messages(CHAT, here)


def test_every_sign_of_the_basic_plane_folds_and_counts_as_a_letter_as_in_python() -> None:
    told = in_node(
        """
        const { fold } = await import(given.module);
        const found = {};
        for (let code = 0; code < 0x10000; code++) {
          if (code >= 0xd800 && code < 0xe000) continue;
          const sign = String.fromCodePoint(code), letter = /[\\p{L}\\p{Nl}\\p{No}]/u.test(sign);
          if (letter || fold(sign) !== sign) found[code] = [fold(sign), letter];
        }
        answer(found);
        """,
        module=(LEARNING / "fold.js").as_uri(),
    )
    letter = re.compile(r"[^\W\d_]")
    wrong = [
        chr(code)
        for code in range(0x10000)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs")  # Node may know newer signs
        and told.get(str(code), [chr(code), False]) != [chr(code).casefold(), bool(letter.match(chr(code)))]
    ]
    assert wrong == []


def test_a_config_without_learned_behavior_changes_nothing() -> None:
    told = in_node(
        """
        const { behavior } = new client.AgentConfig({ content: {} });
        const here = { request: "q" };
        const chat = behavior.messages(given.chat, here);
        answer([[...behavior.suggest(here)], behavior.forbids("a", here), chat, behavior.applied]);
        """,
        chat=CHAT,
    )
    assert told == [[], "", CHAT, {}]


CONFIG = {
    "config_id": "c-1", "config_number": 1, "agent_id": "support", "variant": "",
    "content": {"system_prompt": "Hi.", "behavior": {"demonstrations": [ODD], "rules": RULES}},
}  # fmt: skip
LIVE = {"improvements": [{"id": "i-1", "instruction": "Be short."}, {"id": "i-2", "instruction": "Hi."}]}
RUN = """
  const learning = new AgentLearning({ endpoint: `${given.url}/api/learning/`, key: "sk_test", retries: 0 });
"""


def test_running_with_learning_applies_and_logs_what_was_learned(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(200, LIVE), Answer(200, CONFIG)])
    told = in_node(
        RUN
        + """
        const agent = learning.agent("support", { holdout: 0 });
        const seen = [];
        const reply = (config) => {
          const here = { request: "May I?" };
          config.behavior.forbids("refund", here);
          seen.push(config.behavior.messages(config.messages("May I?"), here));
          return config.content.system_prompt;
        };
        const one = await agent.runWithLearning(reply, "May I?", { user: "u-1", metadata: { route: "web" } });
        const two = await agent.runWithLearning((config) => config.content.system_prompt, "And now?", { user: "u-1" });
        await agent.close();
        answer([one, two, seen[0].length]);
        """,
        url=server.url,
    )
    assert told == ["Hi.\n\nBe short.", "Hi.\n\nBe short.", 4]
    paths = [sent.path for sent in server.sent if sent.method == "GET"]
    assert sum("improvements?live=true" in path for path in paths) == 1
    assert [path for path in paths if "expose=true" in path and "user_id=u-1" in path]
    first, second = server.all_items("executions")
    applied = {"demonstrations": ["d-odd"], "forbidden": ["refund"]}
    assert first["metadata"] == {"route": "web", "improvements": ["i-1", "i-2"], "behavior": applied}
    assert second["metadata"] == {"improvements": ["i-1", "i-2"]}
    assert (first["output"], first["config_id"], first["input"]) == ("Hi.\n\nBe short.", "c-1", "May I?")
    assert first["duration_ms"] >= 0 and first["started_at"]


def test_a_server_in_trouble_never_stands_in_the_way_and_a_failing_answer_is_logged(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, CONFIG), Answer(403, {"detail": "This needs a key with the scope read."})])
    told = in_node(
        RUN
        + """
        const agent = learning.agent("support");
        const answered = await agent.runWithLearning((config) => config.content.system_prompt, "May I?");
        const fail = () => { throw new TypeError("no model"); };
        const wrong = await agent.runWithLearning(fail, "May I?").catch((error) => error.message);
        let refused;
        try { learning.agent("x", { holdout: 1 }); } catch (error) { refused = error.name; }
        await agent.close();
        answer([answered, wrong, refused]);
        """,
        url=server.url,
    )
    assert told[0] == "Hi." and told[2] == "RangeError"
    logged = server.all_items("executions")
    assert logged[0]["metadata"] == {"improvements": []}
    assert told[1] == "no model" and logged[1]["status"] == "failed"
    assert logged[1]["metadata"]["error"] == {"type": "TypeError", "message": "no model"}


def test_the_same_users_go_without_as_in_the_python_client() -> None:
    from agent_learning import Improvement

    users = [f"user-{place}" for place in range(300)]
    told = in_node(
        """
        const { isFor } = await import(given.module);
        answer(given.users.map((user) => isFor("i-1", user, 0.1)));
        """,
        module=(LEARNING / "learned.js").as_uri(),
        users=[*users, ""],
    )
    assert told == [Improvement("i-1", "").is_for(user, 0.1) for user in [*users, ""]]
    assert False in told


def test_what_is_the_same_travels_once(server: ScriptedServer) -> None:
    server.answers.extend([Answer(200, LIVE, {"ETag": '"v1"'}), Answer(304, None)])
    told = in_node(
        RUN + "answer([await learning.improvements('support'), await learning.improvements('support')]);",
        url=server.url,
    )
    assert told == [LIVE["improvements"], LIVE["improvements"]]
    assert server.sent[1].headers["if-none-match"] == '"v1"'
