from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning.engines.behavior.episodes import Action
from learning.engines.behavior.learner import BehaviorLearner
from learning.models import ActionCorrection, Agent, Demonstration, Execution, Job, TrainingRun
from learning.services.action_corrections import incorporate_correction
from learning.services.behavior_runs import BehaviorResult
from learning.services.demonstrations import add_demonstration
from learning.services.executions import log_execution
from tests import factories
from tests.learning.engines.behavior.worlds import shop, state

pytestmark = pytest.mark.django_db
BASE = "/admin/learning"


@pytest.fixture
def execution(agent: Agent) -> Execution:
    outcome = log_execution(
        item={
            "agent_id": agent.external_id, "execution_id": "e1", "input": "Where is order 7?", "output": "It is lost.",
            "decisions": [{"decision_point": "search", "input": {"order": 7}, "output": "<b>Error</b>"}],
        }
    )  # fmt: skip
    return Execution.objects.get(pk=outcome.stored_id())


def unchanged() -> dict[str, str]:
    return {
        "s0-action": "search", "s0-arguments": '{"order": 7}', "s1-action": "respond", "s1-arguments": "It is lost.",
        "new-after": "2", "new2-after": "2", "new3-after": "2",
    }  # fmt: skip


def test_an_expert_edits_a_step_and_says_why(sign_in: Any, execution: Execution) -> None:
    client = sign_in("expert")
    address = f"{BASE}/executions/{execution.pk}/steps/"
    shown = client.get(address).content.decode()
    assert "Where is order 7?" in shown and "&lt;b&gt;Error" in shown and "<b>Error" not in shown

    data = unchanged() | {"s1-arguments": "Let me look again.", "s1-explanation": "do not give up"}
    answer = client.post(address, data, follow=True)

    assert answer.status_code == 200
    assert "1 correction and a demonstration" in answer.content.decode()
    assert ActionCorrection.objects.get().explanation == "do not give up"
    assert [step.action for step in Demonstration.objects.get().steps.order_by("position")] == ["search", "respond"]


def test_steps_are_added_and_taken_away(sign_in: Any, execution: Execution) -> None:
    data = unchanged() | {"s0-removed": "on", "new-action": "log_in", "new-after": "0"}
    sign_in("expert").post(f"{BASE}/executions/{execution.pk}/steps/", data)
    assert [step.action for step in Demonstration.objects.get().steps.order_by("position")] == ["log_in", "respond"]
    assert sorted(ActionCorrection.objects.values_list("kind", flat=True)) == ["missing_action", "needless_action"]


def test_several_steps_are_added_in_the_order_in_which_they_are_given(sign_in: Any, execution: Execution) -> None:
    data = unchanged() | {"new-action": "check", "new-after": "1", "new2-action": "log_in", "new2-after": "0",
                          "new3-action": "confirm", "new3-after": "1", "new3-arguments": '{"by": "mail"}'}  # fmt: skip
    sign_in("expert").post(f"{BASE}/executions/{execution.pk}/steps/", data)
    steps = list(Demonstration.objects.get().steps.order_by("position"))
    assert [step.action for step in steps] == ["log_in", "search", "check", "confirm", "respond"]
    assert [step.observation for step in steps[:4]] == ["Where is order 7?"] * 2 + ["<b>Error</b>"] * 2
    assert [step.source for step in steps[:4]] == ["user", "user", "tool", "tool"]
    assert steps[3].arguments == {"by": "mail"}


@pytest.mark.parametrize("given", ['{"a": 1e999}', '{"a": NaN}', r'{"a": "\u0000"}', "[" * 5_000])
def test_arguments_that_nobody_could_keep_are_a_step_in_error(sign_in: Any, execution: Execution, given: str) -> None:
    data = unchanged() | {"s0-arguments": given}
    answer = sign_in("expert").post(f"{BASE}/executions/{execution.pk}/steps/", data)
    assert answer.status_code == 400 and "id_s0-arguments_error" in answer.content.decode()
    assert not Demonstration.objects.exists()


def test_a_step_in_error_is_named_and_linked_before_the_form(sign_in: Any, execution: Execution) -> None:
    data = unchanged() | {"s0-arguments": "{", "new2-action": "x", "new2-arguments": "["}
    page = sign_in("expert").post(f"{BASE}/executions/{execution.pk}/steps/", data).content.decode()
    assert '<a href="#id_s0-arguments">step 1</a>, <a href="#id_new2-arguments">a step that was left out</a>' in page
    unnamed = sign_in("expert").post(
        f"{BASE}/executions/{execution.pk}/steps/", unchanged() | {"new-arguments": '{"by": "mail"}'}
    )
    assert unnamed.status_code == 400 and "Name the action" in unnamed.content.decode()
    assert 'id="id_s0-arguments_error"' in page and 'aria-invalid="true"' in page


def test_broken_arguments_are_shown_at_their_field_and_nothing_is_stored(sign_in: Any, execution: Execution) -> None:
    client = sign_in("expert")
    for text, words in (("{", "This is not valid JSON"), ("[1]", "Arguments are a JSON object")):
        answer = client.post(f"{BASE}/executions/{execution.pk}/steps/", unchanged() | {"s0-arguments": text})
        assert answer.status_code == 400 and words in answer.content.decode()
    same = client.post(f"{BASE}/executions/{execution.pk}/steps/", unchanged())
    assert "Nothing was changed" in same.content.decode()
    assert not Demonstration.objects.exists()


def test_members_and_strangers_see_nothing(sign_in: Any, agent: Agent, execution: Execution) -> None:
    client = sign_in("member")
    for address in (f"{BASE}/agents/{agent.pk}/behavior/", f"{BASE}/executions/{execution.pk}/steps/"):
        assert client.get(address).status_code == 403
    assert sign_in("expert").post(f"{BASE}/agents/{agent.pk}/behavior/learn").status_code == 403
    assert sign_in("expert").get(f"{BASE}/demonstrations/{agent.pk}/").status_code == 404


def test_the_page_of_an_agent_shows_patterns_rules_and_demonstrations(sign_in: Any, agent: Agent) -> None:
    episodes = shop(80, careful=0.8)
    stored = add_demonstration(agent=agent, episode=episodes[0])
    update = BehaviorLearner(episodes=episodes).generate_policy_update()
    metrics = BehaviorResult(update, {}).as_json()
    for pattern in metrics["behavior"]["patterns"]:
        pattern["examples"] = [str(stored.pk)]
    run = TrainingRun.objects.create(
        name="r", agent=agent, base_config=agent.configs.get(), dataset_version=factories.make_published_version(agent),
        training_type="behavior_cloning", status="completed", metrics=metrics, config={"strategy": "imitation"},
    )  # fmt: skip
    client = sign_in("admin")
    for address in (f"{BASE}/agents/{agent.pk}/behavior/", f"{BASE}/training/{run.pk}/"):
        text = client.get(address).content.decode()
        assert "look_up was used" in text and "only after look_up" in text
        assert f"/demonstrations/{stored.pk}/" in text
    page = client.get(f"{BASE}/demonstrations/{stored.pk}/")
    assert page.status_code == 200 and "Let me see." in page.content.decode()


def learned_run(agent: Agent, config: dict[str, Any] | None = None, **found: Any) -> TrainingRun:
    """A finished run of behavior that found so much."""
    config = {"max_calls": 340, "metric": "exact", "goals": ["accuracy"], "rewrites": 0} | (config or {})
    return TrainingRun.objects.create(
        name="r", agent=agent, base_config=agent.configs.get(), dataset_version=factories.make_published_version(agent),
        training_type="behavior_cloning", status="completed", config=config, candidate_config=agent.configs.get(),
        metrics={"verdict": found.get("verdict", "improved"), "behavior": {"parts": [], **found}},
    )  # fmt: skip


def details_of(page: str) -> dict[str, str]:
    """What the card of details lists."""
    card = page.partition("<h2>Details</h2>")[2].partition("</section>")[0]
    return dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", card))


def test_a_run_lists_only_the_settings_that_its_type_goes_by(sign_in: Any, agent: Agent) -> None:
    client, common = sign_in("member"), {"Dataset", "Started from", "Asked for by", "Seed"}
    told = details_of(client.get(f"{BASE}/training/{learned_run(agent).pk}/").content.decode())
    assert set(told) == common | {"Strategy", "Rules worded by the model"}
    assert (told["Strategy"], told["Rules worded by the model"]) == ("imitation", "no")
    worded = learned_run(agent, {"word_rules": True, "strategy": "preference", "max_tokens": 5_000})
    told = details_of(client.get(f"{BASE}/training/{worded.pk}/").content.decode())
    assert set(told) - common == {
        "Strategy", "Rules worded by the model", "Most calls", "Most tokens", "Model asked",
    }  # fmt: skip
    assert (told["Strategy"], told["Rules worded by the model"], told["Most calls"]) == ("preference", "yes", "340")


def test_rules_without_a_proven_gain_are_not_sold_as_one(sign_in: Any, agent: Agent) -> None:
    client = sign_in("member")
    for verdict, proven in (("rules only", False), ("parts only", False), ("improved", True)):
        page = client.get(f"{BASE}/training/{learned_run(agent, verdict=verdict).pk}/").content.decode()
        said = page.partition('data-testid="verdict">')[2].partition("</p>")[0]
        assert f"{verdict.capitalize()}." in said
        assert ("No overall gain is proven" in said, "for an experiment to show" in said) == (not proven, not proven)
        assert ('class="good"' in said) is proven


@pytest.mark.parametrize(("readings", "said"), [(0, ""), (1, "read once before"), (3, "read 3 times before")])
def test_a_run_says_how_often_its_held_out_demonstrations_were_read(
    sign_in: Any, agent: Agent, readings: int, said: str
) -> None:
    page = sign_in("member").get(f"{BASE}/training/{learned_run(agent, earlier_readings=readings).pk}/")
    assert ("earlier-readings" in page.content.decode()) is bool(said)
    assert said in page.content.decode()


def test_learning_from_nothing_says_what_is_missing(sign_in: Any, agent: Agent) -> None:
    answer = sign_in("admin").post(f"{BASE}/agents/{agent.pk}/behavior/learn", {"strategy": "imitation"}, follow=True)
    assert "no published dataset version" in answer.content.decode()


def test_demonstrations_are_made_of_all_executions_that_the_filters_leave(
    sign_in: Any, agent: Agent, execution: Execution
) -> None:
    client, address = sign_in("manager"), f"{BASE}/agents/{agent.pk}/behavior/recorded/"
    assert address in client.get(f"{BASE}/agents/{agent.pk}/behavior/").content.decode()
    assert "1 execution<" in client.get(address).content.decode()
    none = f"{address}?said=thumbs_up"
    assert "None of" in client.get(none).content.decode()
    assert "No execution of this agent" in client.post(none).content.decode()
    answer = client.post(address, {"rewarded": "on"})
    job = Job.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"{BASE}/jobs/{job.pk}/"
    assert (
        job.request["rewarded"] is True
        and f"Behavior of {agent.name}" in client.get(answer["Location"]).content.decode()
    )
    assert sign_in("expert").post(address).status_code == 403


def test_corrections_over_time_are_drawn_for_the_chosen_config_and_kind(sign_in: Any, agent: Agent) -> None:
    config, address = agent.configs.get(), f"{BASE}/agents/{agent.pk}/behavior/"
    client = sign_in("expert")
    assert "No correction yet" in client.get(address).content.decode()
    now = timezone.now()
    for week, count in enumerate([1, 1, 1, 1, 9, 9, 9, 9]):
        at = now - timedelta(days=7 * (8 - week))
        Execution.objects.bulk_create(Execution(agent=agent, config=config, started_at=at) for _ in range(20))
        for number in range(count):
            made = incorporate_correction(
                agent=agent, original_action=Action("a"), corrected_action=Action("b" if number else "respond"),
                context=state("hi"), config=config if number else None,
            )  # fmt: skip
            ActionCorrection.objects.filter(pk=made.pk).update(created_at=at)

    page = client.get(address).content.decode()
    start = now - timedelta(days=28)
    assert "All kinds together: corrections per 100 executions, by week" in page and "level between changes" in page
    assert f"From the week of {start:%-d %b %Y}: 5.0 to 45.0 per 100 executions" in page
    chosen = client.get(f"{address}?kind=should_have_asked&config=").content.decode()
    assert "An answer instead of an action: corrections per 100" in chosen and "level between changes" not in chosen
    of_config = client.get(f"{address}?config={config.pk}").content.decode()
    assert f"of config {config.number}<" in of_config and "An answer instead" not in of_config
    assert "20.0<" in of_config, "32 corrections in 160 executions"
    assert client.get(f"{address}?config=x&kind=x").status_code == 200
