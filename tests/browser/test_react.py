"""static/learning/react.js with React's development build, in strict mode: what the hooks ask, show and drop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.site import Site

VENDOR = Path(__file__).parent / "vendor"
API = "/api/learning/"
Run = Callable[[str], Any]

HARNESS = """async () => {
  const { createHooks } = await import("/static/learning/react.js");
  const { AgentLearning } = await import("/static/learning/client.js");
  const client = new AgentLearning({ key: "sk_test", retries: 0 });
  const root = ReactDOM.createRoot(document.getElementById("root"));
  const e = React.createElement;
  Object.assign(window, { createHooks, client, hooks: createHooks(React, client), renders: [] });
  // mount("agent", (hooks, props) => hooks.useX(props.agent)): renders what the hook gives as JSON.
  window.Shown = ({ use, name, ...props }) => {
    const given = use(window.hooks, props);
    window[name ?? "given"] = given;
    window.renders.push({ ...props, data: given.data, loading: given.loading });
    const told = [given.loading, given.data ?? null, given.error?.message ?? null];
    return e("output", { id: name ?? "given" }, JSON.stringify(told));
  };
  window.mount = (...children) =>
    root.render(e(React.StrictMode, null, ...children.map((one, i) => e(Shown, { key: i, ...one }))));
}"""

READS = [
    ("useFeedbackStats('support', { days: 7 })", "feedback/stats?agent_id=support&days=7"),
    ("useCommonIssues('a/b')", "feedback/issues/a%2Fb"),
    ("useAnnotationQueue({ domain: 'orders', limit: 5 })", "annotations/queue?domain=orders&limit=5"),
    ("useLearningStats()", "stats"),
    ("useTrainingDatasets()", "datasets"),
    ("useTrainingRuns({ status: 'running' })", "training-runs?status=running"),
    ("useExperiments({ agent_id: 'support' })", "experiments?agent_id=support"),
]
WRITES = [
    ("useSubmitFeedback", "{ execution: 'x', type: 'star_rating', rating: 4 }", "feedback",
     {"execution_id": "x", "feedback_type": "star_rating", "rating": 4}),
    ("useSubmitAnnotation", "{ slot: 's', decision: 'approve' }", "annotations", {"slot": "s", "decision": "approve"}),
    ("useSubmitDemonstration", "{ agent: 'a', input: 'i', output: 'o' }", "demonstrations",
     {"agent_id": "a", "input_text": "i", "expected_output": "o"}),
    ("useOptimizePrompt", "{ agent: 'a', goals: ['clarity'], max_calls: 50 }", "optimize-prompt",
     {"agent_id": "a", "optimization_goals": ["clarity"], "max_calls": 50}),
    ("useCreateTrainingRun", "{ agent: 'a', seed: 3 }", "training-runs", {"agent_id": "a", "seed": 3}),
    ("useCreateExperiment", "{ agent: 'a', name: 'n' }", "experiments", {"agent_id": "a", "name": "n"}),
    ("useStartExperiment", "'e 1'", "experiments/e%201/start", {}),
]  # fmt: skip


@pytest.fixture
def run(page: Page, site: Site) -> Run:
    """run(code): evaluates code in a page that has React, the hooks, and `mount`."""
    site.pages["/"] = (
        '<!doctype html><html lang="en"><title>Hooks</title><link rel="icon" href="data:,"><div id="root"></div></html>'
    )
    page.goto(site.url)
    for name in ("react", "react-dom"):  # by the debugger: the page's policy lets in its own scripts alone
        page.evaluate(f"{(VENDOR / f'{name}.development.js').read_text()}; undefined")
    page.evaluate(HARNESS)
    return page.evaluate


def shown(page: Page, loading: bool, data: str, error: str = "null", at: str = "#given") -> None:
    expect(page.locator(at)).to_have_text(f"[{str(loading).lower()},{data},{error}]")


@pytest.mark.parametrize(("call", "path"), READS)
def test_a_reading_hook_asks_and_shows_the_answer(run: Run, page: Page, site: Site, call: str, path: str) -> None:
    site.standing[API + path] = {"n": 1}
    run(f"mount({{ use: (hooks) => hooks.{call} }})")
    shown(page, False, '{"n":1}')
    assert {(sent.method, sent.path) for sent in site.sent} == {("GET", API + path)}


@pytest.mark.parametrize(("hook", "value", "path", "body"), WRITES)
def test_a_writing_hook_sends_once_and_shows_the_answer(
    run: Run, page: Page, site: Site, hook: str, value: str, path: str, body: Any
) -> None:
    site.answers.append((201, {"id": "new"}))
    run(f"mount({{ use: (hooks) => hooks.{hook}() }})")
    shown(page, False, "null")
    assert run(f"given.submit({value})") == {"id": "new"}
    shown(page, False, '{"id":"new"}')
    assert [(sent.method, sent.path, sent.body) for sent in site.sent] == [("POST", API + path, body)]


def test_every_published_hook_is_there(run: Run) -> None:
    named = [call.split("(")[0] for call, _ in READS] + [hook for hook, *_ in WRITES]
    assert sorted(run("Object.keys(hooks)")) == sorted(named)
    types = (Path(__file__).parents[2] / "static" / "learning" / "react.d.ts").read_text()
    assert all(f"  {name}(" in types for name in named)


def test_a_refusal_is_the_error_and_refetch_asks_again(run: Run, page: Page, site: Site, complaints: list[str]) -> None:
    site.answers.extend([(403, {"title": "Forbidden", "detail": "Not with this key."})] * 9)  # whoever asks
    run("mount({ use: (hooks) => hooks.useLearningStats() })")
    shown(page, False, "null", '"Not with this key."')
    site.answers.clear()
    site.answers.append((200, {"total_examples": 3}))
    run("given.refetch()")
    shown(page, False, '{"total_examples":3}')
    complaints.clear()


def test_leaving_the_page_part_aborts_its_request(run: Run, page: Page) -> None:
    held: list[Route] = []
    page.route(f"**{API}stats", lambda route: held.append(route))
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.failure or ""))
    run("mount({ use: (hooks) => hooks.useLearningStats() })")
    shown(page, True, "null")
    until(page, lambda: len(held) == 1 + len(failed))  # strict mode has left its first mount
    run("mount()")
    until(page, lambda: len(held) == len(failed))
    assert run("renders.every((one) => one.data === undefined)")


def until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not come so far within 5 seconds")


LATE = """(() => {
  window.answers = {};
  const late = { feedbackStats: (agent) => new Promise((done) => { (answers[agent] ??= []).push(done); }) };
  window.hooks = createHooks(React, late);
  window.ask = (agent) => mount({ agent, use: (hooks, { agent }) => hooks.useFeedbackStats(agent) });
  window.answer = (agent) => answers[agent].forEach((done) => done({ about: agent }));
})()"""


def test_an_answer_to_an_earlier_question_is_never_shown(run: Run, page: Page) -> None:
    run(LATE)
    run("ask('first')")
    shown(page, True, "null")
    run("ask('second')")
    page.wait_for_function("answers.second")
    run("answer('second')")
    shown(page, False, '{"about":"second"}')
    run("answer('first')")  # the slow one comes last
    page.wait_for_timeout(200)
    shown(page, False, '{"about":"second"}')
    run("ask('third')")
    page.wait_for_function("answers.third")
    shown(page, True, "null")
    assert run("renders.filter((one) => one.data && one.data.about !== one.agent)") == []


def test_without_an_agent_nothing_is_asked(run: Run, page: Page, site: Site) -> None:
    run("mount({ use: (hooks) => hooks.useFeedbackStats(undefined) })")
    shown(page, False, "null")
    assert site.sent == []


def test_what_is_written_makes_its_readers_ask_again(run: Run, page: Page, site: Site) -> None:
    asked = f"{API}feedback/stats?agent_id=support"
    site.standing[asked] = {"total_feedback": 1}
    run("""mount({ use: (hooks) => hooks.useFeedbackStats("support") },
                 { name: "writer", use: (hooks) => hooks.useSubmitFeedback() })""")
    shown(page, False, '{"total_feedback":1}')
    site.standing[asked] = {"total_feedback": 2}
    run("writer.submit({ execution: 'x', type: 'thumbs_up' })")
    shown(page, False, '{"total_feedback":2}')


def test_a_refused_write_rejects_and_is_sent_again_under_the_same_key(
    run: Run, page: Page, site: Site, complaints: list[str]
) -> None:
    site.answers.append((503, {"title": "Busy"}))
    run("mount({ use: (hooks) => hooks.useSubmitFeedback() })")
    shown(page, False, "null")
    assert run("given.submit({ execution: 'x', type: 'thumbs_up' }).catch((error) => error.name)") == "ServerError"
    shown(page, False, "null", '"Busy"')
    run("given.refetch()")
    shown(page, False, '{"feedback_id":"f-1","success":true}')
    assert len({sent.headers["idempotency-key"] for sent in site.sent}) == 1
    assert len(site.sent) == 2
    complaints.clear()


def test_what_was_sent_is_sent_even_if_its_form_is_gone(run: Run, page: Page, site: Site) -> None:
    held: list[Route] = []
    page.route(f"**{API}feedback", lambda route: held.append(route))
    run("mount({ use: (hooks) => hooks.useSubmitFeedback() })")
    shown(page, False, "null")
    run("void (window.sent = given.submit({ execution: 'x', type: 'thumbs_up' }))")
    page.wait_for_timeout(100)
    run("mount()")
    held[0].continue_()
    assert run("sent") == {"feedback_id": "f-1", "success": True}
    assert len(site.sent) == 1
