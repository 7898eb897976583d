"""Pages of training runs: started and stopped by administrators, watched by everybody of the organization."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning.engines.errors import Cancelled
from learning.engines.types import Cost
from learning.models import Agent, DatasetVersion, GateReport, RunStatus, TrainingRun
from learning.pages.training_forms import version_label
from learning.services import run_progress, training
from organizations.models import Organization
from tests import factories
from tests.learning.run_results import CONFIRMED, with_worse_examples

LIST = "/admin/learning/training/"
NEW = "/admin/learning/training/new/"
FORM = {
    "max_calls": 200,
    "metric": "exact",
    "goals": ["accuracy", "clarity"],
    "rewrites": 0,
    "seed": 7,
    "name": "First",
}


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    return training.start_training_run(agent=agent, name="Second")


def text(response: Any) -> str:
    return response.content.decode()


def test_an_administrator_starts_a_run_and_sees_it_wait(sign_in: Any, version: DatasetVersion) -> None:
    client = sign_in("admin")
    assert f'value="{version.pk}" selected' in text(client.get(NEW, {"version": str(version.pk)}))
    page = text(client.post(NEW, FORM | {"version": str(version.pk)}, follow=True))
    assert "Waiting for a worker" in page
    assert "accuracy, clarity" in page
    run = TrainingRun.objects.get()
    assert (run.name, run.seed, run.created_by, run.config["max_calls"]) == ("First", 7, client.user, 200)
    assert "First" in text(client.get(LIST))


def test_one_run_and_its_news_cost_the_same_however_long_its_log_is(sign_in: Any, run: TrainingRun) -> None:
    client = sign_in("member")
    work = factories.claim_run(run)
    assert work
    for headers in ({}, {"HX-Request": "true"}):
        client.get(f"{LIST}{run.pk}/", headers=headers)
        counts = []
        for lines in (1, 80):
            for number in range(lines):
                run_progress.append_log(claim=work.claim, message=f"line {number}")
            with CaptureQueriesContext(connection) as queries:
                client.get(f"{LIST}{run.pk}/", headers=headers)
            counts.append(len(queries))
        assert counts[0] == counts[1]


def test_a_run_names_its_model_and_says_when_another_run_asks_the_same_endpoint(
    sign_in: Any, run: TrainingRun, agent: Agent
) -> None:
    client, other = sign_in("member"), training.start_training_run(agent=agent)
    factories.claim_run(run)
    page = text(client.get(f"{LIST}{run.pk}/"))
    assert 'data-testid="models">smollm2-135m-instruct</dd>' in page and "Another run asks" not in page
    factories.claim_run(other)
    assert "Another run asks the same endpoint: both are slower." in text(client.get(f"{LIST}{run.pk}/"))


def test_one_example_is_no_examples(version: DatasetVersion) -> None:
    version.total = version.train_count = 1
    assert "(1 example: 1 train, " in version_label(version)


def test_too_few_examples_are_explained_at_the_field(sign_in: Any, agent: Agent) -> None:
    version = factories.make_published_version(agent, examples=30)
    page = text(sign_in("admin").post(NEW, FORM | {"version": str(version.pk)}))
    assert "so 20 are missing" in page
    assert not TrainingRun.objects.exists()


def test_a_version_that_is_too_small_cannot_be_chosen_and_says_why(sign_in: Any, version: DatasetVersion) -> None:
    small = factories.make_published_version(factories.make_agent(), examples=30)
    page = text(sign_in("admin").get(NEW, {"version": str(small.pk)}))
    assert "so 20 are missing" in page
    assert "(30 examples: " in page and f"({version.total} examples: {version.train_count} train, " in page
    options = dict(re.findall(r'<option value="([^"]+)"([^>]*)>', page))
    assert "disabled" in options[str(small.pk)] and "disabled" not in options[str(version.pk)]
    assert "at least 50 approved examples" in page and "At least 80" in page
    assert 'type="submit" disabled' not in page, "the other version can be trained on"


def test_nothing_can_be_started_while_every_version_is_too_small(sign_in: Any, agent: Agent) -> None:
    factories.make_published_version(agent, examples=30)
    page = text(sign_in("admin").get(NEW))
    assert "None of these versions is large enough for a run yet" in page
    assert 'type="submit" disabled' in page


def test_an_open_run_asks_for_news_and_a_finished_one_does_not(sign_in: Any, run: TrainingRun) -> None:
    client = sign_in("member")
    work = factories.claim_run(run)
    assert work
    run_progress.record_progress(claim=work.claim, step=85, total=340, message="Round 1 of 3: current", cost=Cost(85))
    assert 'hx-trigger="every 2s"' in text(client.get(f"{LIST}{run.pk}/"))
    polled = text(client.get(f"{LIST}{run.pk}/", headers={"HX-Request": "true"}))
    assert "<html" not in polled
    assert "Round 1 of 3: current" in polled
    assert 'value="25.0"' in polled
    run_progress.fail_run(claim=work.claim, reason="The model <b>went</b> away.", cost=Cost(85))
    last = client.get(f"{LIST}{run.pk}/", headers={"HX-Request": "true"})
    assert (last["HX-Retarget"], last["HX-Reswap"]) == ("#training-run", "outerHTML")
    polled = text(last)
    assert "hx-trigger" not in polled
    assert "The model &lt;b&gt;went&lt;/b&gt; away." in polled


def test_a_run_is_cancelled_by_its_button(sign_in: Any, run: TrainingRun) -> None:
    client = sign_in("admin")
    assert 'data-testid="cancel-run"' in text(client.get(f"{LIST}{run.pk}/"))
    assert "The run is cancelled." in text(client.post(f"{LIST}{run.pk}/cancel", follow=True))
    assert "there is nothing to cancel" in text(client.post(f"{LIST}{run.pk}/cancel", follow=True))


def test_a_working_run_stops_at_its_next_step(sign_in: Any, run: TrainingRun) -> None:
    work = factories.claim_run(run)
    assert work
    assert "stops at its next step" in text(sign_in("admin").post(f"{LIST}{run.pk}/cancel", follow=True))
    with pytest.raises(Cancelled):
        run_progress.record_progress(claim=work.claim, step=1, total=2, message="", cost=Cost())


@pytest.mark.parametrize("role", ["member", "expert", "manager"])
def test_only_administrators_start_and_stop(sign_in: Any, run: TrainingRun, role: str) -> None:
    client = sign_in(role)
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, FORM).status_code == 403
    assert client.post(f"{LIST}{run.pk}/cancel").status_code == 403
    assert "cancel-run" not in text(client.get(f"{LIST}{run.pk}/"))


def test_a_measured_run_shows_its_gain_with_the_interval(sign_in: Any, run: TrainingRun) -> None:
    config = factories.make_config(run.agent, status="candidate")
    score = {"low": 0.1, "high": 0.9, "n": 45}
    run.metrics = {
        "verdict": "improved",
        "improvement_percentage": 60.0,
        "improvement": {"mean": 0.6, "low": 0.43, "high": 0.73, "n": 45, "p_value": 1e-8, "method": "exact McNemar"},
        "before": {**score, "mean": 0.2},
        "after": {**score, "mean": 0.8},
        "instruction_only": {**score, "mean": 0.25},
        "variants": [{"name": "stated form", "kind": "clarified", "mean": 0.5, "n": 6}],
        "recommendations": ["Show the exact spelling."],
    }
    run.status, run.candidate_config = RunStatus.COMPLETED, config
    run.save()
    page = text(sign_in("member").get(f"{LIST}{run.pk}/"))
    for shown in (
        "20.0 %",
        "80.0 %",
        "25.0 %",
        ">60.0<",
        "43.0 to 73.0, n = 45",
        "stated form",
        "Show the exact spelling.",
    ):
        assert shown in page, shown
    assert "60.0 points better" in text(sign_in("member").get(LIST))


def test_a_run_of_another_organization_is_not_found(
    sign_in: Any, run: TrainingRun, other_organization: Organization
) -> None:
    stranger = sign_in("admin", inside=other_organization)
    assert stranger.get(f"{LIST}{run.pk}/").status_code == 404
    assert stranger.post(f"{LIST}{run.pk}/cancel").status_code == 404
    assert "Second" not in text(stranger.get(LIST))


def test_the_list_goes_on_page_by_page(sign_in: Any, agent: Agent, version: DatasetVersion, monkeypatch: Any) -> None:
    from learning.pages import training as pages

    monkeypatch.setattr(pages, "SHOWN", 2)
    for number in range(3):
        training.start_training_run(agent=agent, name=f"run-{number}")
    client = sign_in("member")
    first = text(client.get(LIST))
    assert "run-2" in first
    assert "run-0" not in first
    last = TrainingRun.objects.get(name="run-1")
    second = text(client.get(LIST, {"before": str(last.pk)}))
    assert "run-0" in second
    assert "run-2" not in second
    assert "run-2" in text(client.get(LIST, {"before": "nonsense"}))


def test_the_number_of_queries_does_not_grow_with_the_list(sign_in: Any, agent: Agent, version: DatasetVersion) -> None:
    client = sign_in("member")
    client.get(LIST)
    counts = []
    for number in (1, 5, 12):
        while TrainingRun.objects.count() < number:
            training.start_training_run(agent=agent)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize(("metric", "said"), [("exact", True), ("token_f1", False)])
def test_a_mean_overlap_is_not_called_right_answers(sign_in: Any, run: TrainingRun, metric: str, said: bool) -> None:
    run.config["metric"] = metric
    run.metrics = CONFIRMED
    run.save()
    page = text(sign_in("member").get(f"{LIST}{run.pk}/"))
    assert ("right answers" in page, "mean token F1" in page) == (said, not said)
    assert ("token F1" in text(sign_in("member").get(LIST))) == (not said)


def test_the_form_explains_each_way_of_scoring(sign_in: Any, version: DatasetVersion) -> None:
    page = text(sign_in("admin").get(NEW))
    for expected in ("to the letter", "case, white space and punctuation", "How many words the answer shares"):
        assert expected in page, expected


def test_everything_that_was_found_is_told(sign_in: Any, run: TrainingRun) -> None:
    run.metrics = with_worse_examples(run.dataset_version)
    run.status, run.llm_calls = RunStatus.COMPLETED, 300
    run.save()
    page = text(sign_in("admin").get(f"{LIST}{run.pk}/"))
    for told in (
        "60 % right answer with extra text", "8 % too long", "80 % shorter: by two thirds", "7 of 9 wrong",
        "refund, late", ">+30<", ">-10<", "2 test examples", "Film number",
        "5 points (-2 points to 12 points) not proved",
        "40 before, 120 after", "+200 %", "14 variants compared; 3 dropped as surely worse; correction: none needed",
        "weighted kappa 0.71 (0.55 to 0.84)", "12 failing examples need data", "Best score on validation examples",
        "few-shot", "from stated form", "surely worse", "p = 0.0012", "What it took",
    ):  # fmt: skip
        assert told in page, told


def test_what_got_worse_is_counted_for_everybody_and_named_for_administrators(sign_in: Any, run: TrainingRun) -> None:
    run.metrics = with_worse_examples(run.dataset_version)
    run.save()
    page = text(sign_in("manager").get(f"{LIST}{run.pk}/"))
    assert "2 test examples" in page and "for administrators alone" in page
    assert [one["key"] for one in run.metrics["worse_examples"] if one["key"] in page] == []
    assert "greetings" not in page, "nothing fails there"


@pytest.mark.parametrize(
    ("opened", "told"),
    [(True, "The test split was opened, but both prompts"), (False, "so the test split stays sealed")],
)
def test_a_split_that_was_opened_is_not_called_sealed(sign_in: Any, run: TrainingRun, opened: bool, told: str) -> None:
    run.metrics = {"verdict": "no measurable improvement", "tried": {"opened": opened}}
    run.status = RunStatus.COMPLETED
    run.save()
    page = text(sign_in("admin").get(f"{LIST}{run.pk}/"))
    assert told in page and ("stays sealed" in page) is not opened


def test_a_gain_that_is_not_sure_enough_says_how_sure_it_had_to_be(sign_in: Any, run: TrainingRun) -> None:
    gain = {"mean": 0.59, "low": 0.07, "high": 0.87, "n": 22, "p_value": 0.00024, "confidence": 0.9999}
    run.metrics = {"verdict": "no measurable improvement", "tried": {"opened": True}, "improvement": gain}
    run.status = RunStatus.COMPLETED
    run.save()
    page = text(sign_in("admin").get(f"{LIST}{run.pk}/"))
    assert "p = 0.00024" in page and "p would have to be at most 0.0001, so there is no candidate" in page


@pytest.mark.parametrize(
    "metrics",
    [
        {"trace": "none", "variants": {"a": 1}, "improvement": [1], "analysis": 3, "tried": None, "judge": "yes"},
        {"trace": [1, {"calls": "x"}, {"calls": 3}], "variants": [None, {}], "clusters": [{"gain": "much"}, {}]},
        {"worse_examples": [{"key": "x", "before": 1}, 7], "improvement": {"mean": 0.1}, "recommendations": [None]},
        {"verdict": 5, "before": {"mean": True}, "tokens": {"before": 0, "after": 3}, "issues": [{"kind": "x"}]},
        [],
    ],
)
def test_a_result_of_another_shape_is_shown_as_far_as_it_goes(sign_in: Any, run: TrainingRun, metrics: Any) -> None:
    run.metrics, run.config, run.status = metrics, {"metric": ["x"], "old": {"a": 1}}, RunStatus.COMPLETED
    run.estimate = {"calls": "many"}
    run.save()
    assert sign_in("admin").get(f"{LIST}{run.pk}/").status_code == 200
    assert sign_in("admin").get(LIST).status_code == 200
    other = training.start_training_run(agent=run.agent)
    assert sign_in("admin").get(f"{LIST}compare/", {"run": [run.pk, other.pk]}).status_code == 200


def test_a_cancelled_run_says_what_it_cost_and_what_is_left_of_it(sign_in: Any, run: TrainingRun) -> None:
    work = factories.claim_run(run)
    assert work
    TrainingRun.objects.filter(pk=run.pk).update(metrics={"trace": CONFIRMED["trace"]})
    run_progress.cancel_run(claim=work.claim, cost=Cost(120))
    page = text(sign_in("member").get(f"{LIST}{run.pk}/"))
    assert "Stopped by a person after 120 of at most 340 calls." in page
    assert "<strong>stated form, 4 examples</strong> was the best" in page
    assert "a repetition does not pay for them again" in page


def test_a_run_that_never_began_cost_nothing(sign_in: Any, run: TrainingRun) -> None:
    training.request_cancel(run=run)
    assert "it cost nothing" in text(sign_in("member").get(f"{LIST}{run.pk}/"))


def test_the_log_goes_on_page_by_page(sign_in: Any, run: TrainingRun, monkeypatch: Any) -> None:
    from learning.pages import training as pages

    monkeypatch.setattr(pages, "LOG_PAGE", 2)
    work = factories.claim_run(run)
    assert work
    for number in range(3):
        run_progress.append_log(claim=work.claim, message=f"line-{number}")
    client = sign_in("member")
    first = text(client.get(f"{LIST}{run.pk}/log/"))
    assert "line-2" in first and "line-0" not in first
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = text(client.get(f"{LIST}{run.pk}/log/{older}"))
    assert "line-0" in second and "line-2" not in second


def test_a_poll_brings_only_the_lines_that_are_new(sign_in: Any, run: TrainingRun) -> None:
    work = factories.claim_run(run)
    assert work
    client, seen = sign_in("member"), run.log_lines.get()
    run_progress.append_log(claim=work.claim, message="line-1")
    polled = text(client.get(f"{LIST}{run.pk}/", {"after": str(seen.pk)}, headers={"HX-Request": "true"}))
    assert "line-1" in polled and "Starting from" not in polled
    newest = run.log_lines.get(message="line-1")
    assert f'name="after" value="{newest.pk}"' in polled
    again = text(client.get(f"{LIST}{run.pk}/", {"after": str(newest.pk)}, headers={"HX-Request": "true"}))
    assert "line-1" not in again and f'name="after" value="{newest.pk}"' in again


def hostile(value: Any) -> Any:
    """The same result, every text of it markup."""
    if isinstance(value, dict):
        return {key: hostile(one) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return f"<x-bad>{value}" if isinstance(value, str) else value


def test_what_a_model_or_a_person_wrote_stays_text(sign_in: Any, run: TrainingRun) -> None:
    work = factories.claim_run(run)
    assert work
    run_progress.append_log(claim=work.claim, message="<x-bad>", level="<x-bad>")
    run.refresh_from_db()
    run.metrics, run.failure_reason, run.name = hostile(CONFIRMED), "<x-bad>", "<x-bad>"
    run.config = run.config | {"metric": "<x-bad>", "metric_options": {"<x-bad>": "<x-bad>"}, "<x-bad>": ["<x-bad>"]}
    run.estimate = run.estimate | {"money": "<x-bad>", "seconds": "<x-bad>"}
    run.status, run.current_step = RunStatus.FAILED, "<x-bad>"
    run.save()
    other, client = training.start_training_run(agent=run.agent), sign_in("admin")
    addresses = ("", f"{run.pk}/", f"{run.pk}/log/", f"compare/?run={run.pk}&run={other.pk}")
    pages = [text(client.get(f"{LIST}{address}")) for address in addresses]
    TrainingRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING)
    pages.append(text(client.get(f"{LIST}{run.pk}/", {"after": "<x-bad>"}, headers={"HX-Request": "true"})))
    assert [page.count("<x-bad") for page in pages] == [0] * 5
    assert all("&lt;x-bad&gt;" in page for page in pages)


def test_a_run_and_its_gate_say_what_each_of_them_took(sign_in: Any, run: TrainingRun) -> None:
    config = factories.make_config(run.agent, status="candidate")
    run.metrics, run.status, run.candidate_config, run.llm_calls = CONFIRMED, RunStatus.COMPLETED, config, 2087
    run.save()
    first, again = (GateReport.objects.create(config=config, training_run=run, status=status, attempt=1,
                    llm_calls=calls, input_tokens=9_000, output_tokens=600, cost=Decimal("0.004"))
                    for status, calls in (("failed", 1200), ("passed", 86)))  # fmt: skip
    page = text(sign_in("member").get(f"{LIST}{run.pk}/"))
    assert 'data-testid="calls">2,087<' in page and 'data-testid="gate-calls">1,286<' in page
    assert "The checks of the gate took 18,000 tokens in, 1,200 out, 0.008 in money." in page
    assert f"/admin/learning/gates/{again.pk}/" in page
    shown = text(sign_in("member").get(f"/admin/learning/gates/{first.pk}/"))
    assert "1,200 <span" in shown and "9,000 tokens in, 600 out, 0.004 in money" in shown


def test_a_gate_that_nobody_counted_says_nothing(sign_in: Any, run: TrainingRun) -> None:
    config = factories.make_config(run.agent, status="candidate")
    run.status, run.candidate_config = RunStatus.COMPLETED, config
    run.save()
    report = GateReport.objects.create(config=config, training_run=run, status="passed", attempt=1, cost=None)
    assert "of-the-gate" not in text(sign_in("member").get(f"{LIST}{run.pk}/"))
    assert "<dt>Calls</dt>" not in text(sign_in("member").get(f"/admin/learning/gates/{report.pk}/"))


def test_the_calls_that_are_kept_for_lost_ones_are_told_beside_the_limit(sign_in: Any, run: TrainingRun) -> None:
    assert run.total_steps == 323
    client = sign_in("admin")
    assert "17 are kept back to repeat calls that fail" in text(client.get(f"{LIST}{run.pk}/"))
    assert "17 are kept back to repeat calls that fail" in text(client.get(NEW))
    training.request_cancel(run=run)
    assert "Of 340 calls 17 were kept for calls that are lost." in text(client.get(f"{LIST}{run.pk}/"))


def test_a_run_that_learns_behavior_keeps_no_calls(sign_in: Any, run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(training_type="behavior_cloning", total_steps=4)
    assert "kept back" not in text(sign_in("admin").get(f"{LIST}{run.pk}/"))


def test_large_numbers_have_their_thousands_separated(sign_in: Any, run: TrainingRun) -> None:
    now = timezone.now()
    run.started_at, run.finished_at, run.seconds, run.status = now, now, 60, RunStatus.COMPLETED
    gain = CONFIRMED["improvement"] | {"n": 4500}
    before, after = {"input_tokens": 1234.5, "output_tokens": 1}, {"input_tokens": 23456, "output_tokens": 9}
    run.metrics, run.llm_calls = CONFIRMED | {"improvement": gain, "tokens": {"before": before, "after": after}}, 2087
    run.save()
    page = text(sign_in("member").get(f"{LIST}{run.pk}/"))
    for told in ("2,087 calls a minute", "n = 4,500", "Measured on 4,500 sealed", "23,456 after", "+1,800 %"):
        assert told in page, told


def test_the_limits_of_the_form_have_their_thousands_separated(sign_in: Any, version: DatasetVersion) -> None:
    wish = FORM | {"version": str(version.pk), "max_calls": 10**9, "max_tokens": 10**15, "seed": 10**12}
    page = text(sign_in("admin").post(NEW, wish))
    for told in ("equal to 100,000.", "equal to 1,000,000,000,000.", "equal to 2,147,483,647."):
        assert told in page, told
