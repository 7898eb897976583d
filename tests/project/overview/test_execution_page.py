"""The page of one execution."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.models import Decision
from experiments.models import Experiment, Variant
from learning.models import (
    DatasetExample,
    DatasetVersion,
    Execution,
    LearningExample,
    RetrievalEvent,
    SplitAssignment,
    TelemetrySpan,
    TrainingDataset,
    TrainingRun,
)
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

PAGE = "/admin/learning/executions/"
SCRIPT = '<script>alert("x")</script>'


def send(organization: Organization, *said: dict[str, Any], **values: Any) -> Any:
    """An execution, and feedback on it; our id."""
    item = {"agent_id": "support", "input": "Where is it?", "output": "It is in Lyon now."} | values
    with organization_scope(organization.id):
        made = log_execution(item=item, may_register=True).stored_id()
        for one in said:
            submit_feedback(item={"agent_id": item["agent_id"], "execution_id": str(made)} | one, may_register=True)
    return made


def text_of(client: Any, key: Any) -> str:
    answer = client.get(f"{PAGE}{key}/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_conversation_the_run_and_its_config_are_told(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        config = factories.make_config(factories.make_agent(external_id="support", name="Support"))
    key = send(
        organization, execution_id="exec-1", user_id="user-7", config_id=config.pk, variant="treatment",
        duration_ms=812.0, input_tokens=120, output_tokens=14, cost="0.0003", confidence=0.83,
        metadata={"channel": "web"},
        context={"conversation": [{"role": "user", "content": "Hello"}, {"role": "bot", "content": "Hi."}], "shop": 4},
    )  # fmt: skip
    text = text_of(sign_in("manager"), key)
    for shown in (
        "Hello", "Hi.", "Where is it?", "It is in Lyon now.", "exec-1", "user-7", "treatment", "812 ms",
        "120 in, 14 out", "0.0003", "0.83", "channel", "shop", "smollm2-135m-instruct", "temperature",
        f"/admin/learning/lineage/{config.pk}/",
    ):  # fmt: skip
        assert shown in text, shown


def test_a_correction_is_shown_word_by_word_and_leads_to_its_example(sign_in: Any, organization: Organization) -> None:
    key = send(
        organization,
        {"feedback_type": "correction", "correction_text": "It is in Paris now.", "issue_categories": ["incorrect"]},
        {"feedback_type": "star_rating", "rating": 2, "feedback_text": "No."},
    )
    text = text_of(sign_in("manager"), key)
    assert "<del>Lyon</del><ins>Paris</ins>" in text
    assert "incorrect" in text and "2 of 5" in text and "No." in text
    assert "Pending" in text and "not yet" in text


def test_an_example_tells_its_reviews_and_the_configs_that_learned_from_it(
    sign_in: Any, organization: Organization
) -> None:
    key = send(organization, {"feedback_type": "correction", "correction_text": "It is in Paris now."})
    with organization_scope(organization.id):
        example = LearningExample.objects.get()
        config = learn_from(example)
        sealed = learn_from(example, split="test")
        example.annotations.create(expert=factories.make_user(organization, "expert"), decision=Decision.APPROVE)
    text = text_of(sign_in("manager"), key)
    assert f"/admin/learning/lineage/{config.pk}/" in text
    assert f"/admin/learning/lineage/{sealed.pk}/" not in text, "nothing is learned from the sealed split"
    assert "by expert-" in text


def learn_from(example: LearningExample, split: str = "train") -> Any:
    """A config of a run that read the example."""
    dataset = TrainingDataset.objects.create(name=f"D {split}", agent=example.agent)
    counts = dict.fromkeys(("total", "train_count", "validation_count", "test_count"), 1)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, manifest_hash=split, **counts)
    SplitAssignment.objects.create(key=split, split=split)
    groups = {"split": split, "cluster_key": split, "group_key": split}
    DatasetExample.objects.create(version=version, example=example, example_type=example.example_type, **groups)
    run = TrainingRun.objects.create(
        agent=example.agent,
        dataset_version=version,
        name=split,
        training_type="prompt_optimization",
        base_config=factories.make_config(example.agent),
    )
    return factories.make_config(example.agent, training_run=run)


def test_decisions_and_retrievals_are_told_in_order(sign_in: Any, organization: Organization) -> None:
    decisions = [
        {
            "decision_point": f"step {n}",
            "input": {"parcel": n},
            "output": "Lyon",
            "reasoning": "Because.",
            "confidence": 0.5,
        }
        for n in (2, 1)
    ]
    key = send(organization, decisions=decisions)
    with organization_scope(organization.id):
        documents = [{"id": "doc-a", "rank": 1, "score": 0.75}, {"id": "doc-b", "rank": 2, "score": None}]
        RetrievalEvent.objects.create(execution_id=key, external_id="r", query="parcels", documents=documents)
    text = text_of(sign_in("manager"), key)
    places = [text.index(word) for word in ("parcels", "doc-a", "0.75", "doc-b", "step 2", "step 1")]
    assert places == sorted(places)
    assert "Because." in text and "&quot;parcel&quot;: 2" in text


def test_steps_are_drawn_by_time_while_their_spans_are_kept(sign_in: Any, organization: Organization) -> None:
    key = send(organization)
    second = 1_000_000_000
    with organization_scope(organization.id):
        for name, parent, kind, start, end, failed in (
            ("a", "", "agent", 10 * second, 14 * second, False),
            ("b", "a", "llm", 11 * second, 12 * second, False),
            ("c", "b", "tool", 12 * second, 13 * second, True),
        ):
            TelemetrySpan.objects.create(
                execution_id=key, trace_id="t", span_id=name, parent_id=parent, started=start, ended=end,
                reading={"name": f"span {name}", "kind": kind, "model": "m-1", "failed": failed},
            )  # fmt: skip
    text = text_of(sign_in("manager"), key)
    drawn = re.findall(r'data-depth="(\d)">(span \w).*?<rect[^>]* x="([\d.]+)%"[^>]* width="([\d.]+)%"', text, re.S)
    assert drawn == [("0", "span a", "0", "100"), ("1", "span b", "25", "25"), ("2", "span c", "50", "25")]
    assert "+1.0 s, 1.0 s" in text and "tool m-1 failed" in text
    assert "style=" not in text.split("<main")[1].split("</main>")[0]


def test_the_arm_leads_to_the_experiment_that_ran_then(sign_in: Any, organization: Organization) -> None:
    now = timezone.now()
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support")
        config = factories.make_config(agent)
        made = {}
        for name, started in (("past", now - timedelta(hours=2)), ("future", now + timedelta(hours=2))):
            made[name] = Experiment.objects.create(agent=agent, name=name)
            Variant.objects.create(experiment=made[name], key="treatment", config=config, buckets=10)
            Experiment.objects.filter(pk=made[name].pk).update(started_at=started, status="completed")
    key = send(organization, config_id=config.pk, variant="treatment")
    text = text_of(sign_in("manager"), key)
    assert f"/admin/learning/experiments/{made['past'].pk}/" in text
    assert f"/admin/learning/experiments/{made['future'].pk}/" not in text


def test_a_long_text_is_clipped_and_can_be_unfolded(sign_in: Any, organization: Organization) -> None:
    text = text_of(sign_in("manager"), send(organization, output="word " * 2000 + "end"))
    assert "Show all 10003 characters" in text
    beginning = re.search(r'long-text-beginning"[^>]*>(.*?)</span>', text, re.S)
    assert beginning and len(beginning[1]) < 1100


def test_every_text_is_escaped(sign_in: Any, organization: Organization) -> None:
    key = send(
        organization,
        {"feedback_type": "correction", "correction_text": SCRIPT, "feedback_text": SCRIPT},
        agent_id=SCRIPT.replace("/", ""),
        execution_id=SCRIPT, user_id=SCRIPT, input=SCRIPT, output=SCRIPT, variant=SCRIPT,
        context={"conversation": [{"role": SCRIPT, "content": SCRIPT}], SCRIPT: SCRIPT},
        metadata={"error": SCRIPT, SCRIPT: {SCRIPT: SCRIPT}},
        decisions=[{"decision_point": SCRIPT, "input": SCRIPT, "output": SCRIPT, "reasoning": SCRIPT}],
    )  # fmt: skip
    with organization_scope(organization.id):
        hostile = {"query": SCRIPT, "documents": [{"id": SCRIPT, "rank": SCRIPT, "score": SCRIPT}]}
        RetrievalEvent.objects.create(execution_id=key, external_id="r", **hostile)
        reading = {"name": SCRIPT, "kind": SCRIPT, "model": SCRIPT}
        TelemetrySpan.objects.create(execution_id=key, trace_id="t", span_id="s", started=1, ended=2, reading=reading)
    manager = sign_in("manager")
    text = text_of(manager, key)
    assert text.count("&lt;script&gt;alert(") > 20
    assert "<script>alert(" not in text + manager.get(PAGE).content.decode()


def test_what_has_another_shape_than_ours_is_left_out(sign_in: Any, organization: Organization) -> None:
    for context in (
        {"conversation": "Hello"},
        {"conversation": [1, {"role": 7, "content": {"x": 1}}, {"content": "Yes"}]},
    ):
        key = send(organization, context=context, metadata={"error": {"code": [7]}})
        assert "&#x27;code&#x27;: [7]" in text_of(sign_in("manager"), key)


def test_the_raw_data_are_what_the_api_answers(sign_in: Any, api: Any, organization: Organization) -> None:
    key = send(organization, {"feedback_type": "thumbs_up"}, decisions=[{"decision_point": "tool"}])
    raw = re.search(r'class="code raw"[^>]*>(.*?)</pre>', text_of(sign_in("manager"), key), re.S)
    answer = api.get(f"/api/learning/executions/{key}").json()
    assert json.loads(unescape(raw[1])).keys() == answer.keys()  # type: ignore[index]
    assert [one["feedback_type"] for one in answer["feedback"]] == ["thumbs_up"]


def test_an_execution_is_found_by_the_applications_name(sign_in: Any, organization: Organization) -> None:
    key = send(organization, execution_id="exec 7")
    manager = sign_in("manager")
    answer = manager.get(f"{PAGE}exec 7/")
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}{key}/")
    send(organization, execution_id="exec 7", agent_id="other")
    assert manager.get(f"{PAGE}exec 7/")["Location"] == f"{PAGE}?find=exec+7"
    assert manager.get(f"{PAGE}exec 8/").status_code == 404


def test_a_lower_role_may_not_a_stranger_signs_in_and_a_foreign_one_is_not_there(
    sign_in: Any, client: Any, organization: Organization, other_organization: Organization
) -> None:
    key, foreign = send(organization), send(other_organization)
    assert sign_in("expert").get(f"{PAGE}{key}/").status_code == 403
    assert client.get(f"{PAGE}{key}/").status_code == 302
    assert sign_in("manager").get(f"{PAGE}{foreign}/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_what_there_is(sign_in: Any, organization: Organization) -> None:
    correction = {"feedback_type": "correction", "correction_text": "better"}
    manager, key = sign_in("manager"), send(organization, correction)
    text_of(manager, key)
    with CaptureQueriesContext(connection) as few:
        text_of(manager, key)
    many = send(
        organization, *[correction | {"correction_text": f"better {n}", "user_id": str(n)} for n in range(10)],
        decisions=[{"decision_point": str(n)} for n in range(10)],
    )  # fmt: skip
    with organization_scope(organization.id):
        assert Execution.objects.get(pk=many).examples.count() == 10
    with CaptureQueriesContext(connection) as asked:
        text_of(manager, many)
    assert len(asked) <= len(few)


def test_other_pages_lead_to_it(sign_in: Any, organization: Organization) -> None:
    key = send(organization, {"feedback_type": "correction", "correction_text": "It is in Paris now."})
    manager, member = sign_in("manager"), sign_in("member")
    with organization_scope(organization.id):
        example = LearningExample.objects.get()
        config = learn_from(example)
    link, lineage = f"{PAGE}{key}/", f"/admin/learning/lineage/{config.pk}/"
    assert link in manager.get("/admin/learning/feedback/").content.decode()
    assert link in manager.get(lineage).content.decode()
    assert (
        f"{PAGE}?agent={example.agent_id}"
        in manager.get(f"/admin/learning/agents/{example.agent_id}/").content.decode()
    )
    assert manager.get("/admin/learning/").content.decode().count(f'href="{PAGE}"') == 3, "both menus and the number"
    for address in ("/admin/learning/", lineage, f"/admin/learning/agents/{example.agent_id}/"):
        assert PAGE not in member.get(address).content.decode(), "nobody is led where they may not go"
