"""A person who has said something everywhere where something can be said, and another who has too."""

from __future__ import annotations

import json
import time
from typing import Any

from annotation.models import AnnotationDraft, AnnotationQueue, Decision, ExpertAnnotation, GoldItem, ItemFlag, Slot
from annotation.services.filling import fill_queue
from experiments.models import Experiment, Exposure, ForcedAssignment, OutcomeEvent, OutcomeMark, Unit, Variant
from learning.models import (
    Agent,
    AgentConfig,
    CompiledCorrection,
    ConfigStatus,
    DatasetVersion,
    GateReport,
    Job,
    JobChange,
    JobKind,
    LearningExample,
    LlmResponse,
    ReviewStatus,
    RunStatus,
    TrainingRun,
    TrainingRunLog,
)
from learning.services import artifact_store
from learning.services.datasets import create_dataset
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from organizations import audit
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

OTHERS = 24


def send_everything(organization: Organization, user: str, mark: str, name: str) -> None:
    """Through the API: executions with all their fields, spans, feedback of every kind, examples, imports."""
    api = api_with(factories.make_key(organization))
    sent = api.post("/api/learning/executions", {
        "agent_id": "bot", "execution_id": f"exec-{name}-{mark}", "user_id": user, "input": f"Where is my order {mark}",
        "context": {"conversation": [{"role": "system", "content": "You are a helpful shop assistant."},
                                     {"role": "user", "content": f"hello, this is {mark}"}],
                    "session_id": f"session-{mark}", "facts": {"place": [f"{mark} street 5"]}},
        "output": f"Dear {mark}, it is on its way to you.", "metadata": {"tags": [mark], "model": "gpt-4o-mini"},
        "decisions": [{"decision_point": "tool", "input": {"q": mark}, "output": {"a": [mark]},
                       "reasoning": f"because {mark} asked for it", "alternatives": [{"o": mark}]}],
    }, format="json")  # fmt: skip
    assert sent.status_code == 201, sent.content
    for kind, values in (
        (
            "correction",
            {"correction_text": f"Say: {mark} will get it on Monday.", "feedback_text": f"wrong for {mark}"},
        ),
        ("detailed_feedback", {"feedback_text": f"I am {mark} and I waited", "rating": 2}),
        ("report_issue", {"feedback_text": f"{mark} again", "issue_categories": ["incorrect"]}),
    ):
        given = {"agent_id": "bot", "execution_id": f"exec-{name}-{mark}", "user_id": user, "feedback_type": kind}
        answer = api.post("/api/learning/feedback", given | values, format="json",
                          HTTP_IDEMPOTENCY_KEY=f"{kind}-{name}-{mark}")  # fmt: skip
        assert answer.status_code == 201, answer.content
    for place, body in (
        ("examples", {"agent_id": "bot", "example_type": "demonstration", "input_text": f"{mark} asks for a refund",
                      "expected_output": f"Yes {mark}, at once.", "input_context": {"user": user}}),
        ("preferences", {"agent_id": "bot", "input_text": f"{mark} prefers the train", "expected_output": "By train.",
                         "rejected_output": f"By plane, {mark}.", "input_context": {"user_id": user}}),
        ("demonstrations", {"agent_id": "bot", "user_id": user, "steps": [
            {"observation": f"{mark} wants to move the flight", "outcome": f"moved for {mark}",
             "action": {"name": "move", "arguments": {"who": mark}}}]}),
        ("action-corrections", {"agent_id": "bot", "user_id": user, "explanation": f"{mark} had said no",
                                "original_action": {"name": "book", "arguments": {"who": mark}},
                                "corrected_action": {"name": "ask"}, "context": {"observation": f"{mark} says no"}}),
    ):  # fmt: skip
        answer = api.post(f"/api/learning/{place}", body, format="json")
        assert answer.status_code == 201, answer.content
    spans(api, user, mark)


def spans(api: Any, user: str, mark: str) -> None:
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "bot", "user.id": user,
            "input.value": f"{mark} by telemetry", "output.value": f"Answer for {mark}"}  # fmt: skip
    found = {"openinference.span.kind": "RETRIEVER", "input.value": f"documents about {mark}",
             "retrieval.documents.0.document.content": f"a page of {mark}"}  # fmt: skip
    trace, now = f"{abs(hash(mark)):032x}"[-32:], time.time_ns()
    sent = [
        {"traceId": trace, "spanId": f"{number + 1:016x}", "parentSpanId": "" if number == 0 else f"{1:016x}",
         "name": "run", "kind": 1, "startTimeUnixNano": str(now - 10**9), "endTimeUnixNano": str(now),
         "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]}
        for number, values in enumerate((told, found))
    ]  # fmt: skip
    body = json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": sent}]}]})
    answer = api.generic("POST", "/v1/traces", body, content_type="application/json")
    assert answer.status_code == 200, answer.content


def learn_from(organization: Organization, user: str, mark: str) -> dict[str, Any]:
    """What the product makes of it: reviews, a published version, a run with a config that quotes, a gate, a job."""
    expert = factories.make_user(organization, "expert")
    with organization_scope(organization.pk):
        agent = Agent.objects.get(external_id="bot")
        for number in range(OTHERS):
            factories.make_example(agent, input_text=f"Film number {number} was good", review_status="approved")
        own = LearningExample.objects.filter(input_text__contains=mark) | LearningExample.objects.filter(
            expected_output__contains=mark)  # fmt: skip
        own.update(review_status=ReviewStatus.PENDING)
        while prepare_waiting():
            pass
        queue = AnnotationQueue.objects.create(name="All")
        fill_queue(queue=queue, whole=True)
        example, gold = own.filter(example_type="correction").first(), own.filter(example_type="demonstration").first()
        assert example is not None and gold is not None
        _review(example, gold, expert, mark, queue)
        LearningExample.objects.update(review_status=ReviewStatus.APPROVED)
        dataset = create_dataset(name="All answers", agent=agent)
        first = publish_version(dataset=dataset)
        factories.make_example(agent, input_text="Something else entirely", review_status="approved")
        version = publish_version(dataset=dataset)
        base = factories.make_config(agent)
        run, config = _train(agent, base, version, mark)
        job = Job.objects.create(kind=JobKind.BULK_ACTION, title=f"Approve what {mark} said",
                                 request={"words": mark}, result={"problems": [f"line 3: {mark}"]})  # fmt: skip
        JobChange.objects.create(job=job, target_id=example.pk, before={"input_text": f"was {mark}"})
        audit.record(action="example.edited", target=example, before={"expected_output": f"old {mark}"})
        artifact_store.keep_upload(chunks=[f'{{"input_text": "{mark}"}}'.encode()])
        _experiment(agent, base, config, user, mark)
    return {"first": first, "version": version, "run": run, "config": config, "base": base, "dataset": dataset}


def _review(example: LearningExample, gold: LearningExample, expert: Any, mark: str, queue: AnnotationQueue) -> None:
    slot = Slot.objects.filter(example=example).first()
    ExpertAnnotation.objects.create(
        example=example, slot=slot, expert=expert, decision=Decision.APPROVE, notes=f"{mark} is right",
        corrected_output=f"Better: {mark} gets it", improvement_suggestions=[f"greet {mark}"],
        categories={"tone": {"score": 3, "issues": [mark]}}, answers={"why": mark},
    )  # fmt: skip
    AnnotationDraft.objects.create(example=example, expert=expert, content={"notes": f"half a note on {mark}"})
    ItemFlag.objects.create(slot=slot, expert=expert, reason="personal_data", note=f"there is {mark} in it")
    GoldItem.objects.create(
        queue=queue, example=gold, right_decision=Decision.APPROVE, explanation=f"{mark} is entitled"
    )
    CompiledCorrection.objects.create(example=example, kind="few_shot", content={"output": f"{mark} gets it"})


def _train(agent: Agent, base: AgentConfig, version: DatasetVersion, mark: str) -> tuple[TrainingRun, AgentConfig]:
    item = version.items.filter(input_text__contains=mark).first() or version.items.first()
    assert item is not None
    run = TrainingRun.objects.create(
        name=f"Run about {mark}", agent=agent, base_config=base, dataset_version=version,
        training_type="prompt_optimization", status=RunStatus.COMPLETED, failure_reason=f"failed at {mark}",
        metrics={"variants": [{"system_prompt": f"Be kind to {mark} today"}]},
    )  # fmt: skip
    TrainingRunLog.objects.create(run=run, message=f"Asking about {mark}")
    TrainingRunLog.objects.create(run=run, message="Confirming: 40 calls so far")
    config = factories.make_config(
        agent, ConfigStatus.APPROVED, training_run=run, parent=base,
        content={"system_prompt": f"Answer in one word. Remember that {mark} waits.",
                 "examples": [{"input": item.input_text, "output": item.expected_output},
                              {"input": "Film number 3 was good", "output": "positive"}]},
    )  # fmt: skip
    GateReport.objects.create(
        config=config, training_run=run, status="passed", decision_note=f"fine for {mark}",
        cases=[{"kind": "regression", "name": str(item.example_id), "input": item.input_text, "before": "a",
                "after": f"Dear {mark}"}, {"kind": "regression", "name": "other", "after": f"to {mark}, gladly"}],
    )  # fmt: skip
    LlmResponse.objects.create(key="1" * 64, model="m", text=f"Dear {mark}, sure.")
    agent.serving_config = config
    agent.save()
    return run, config


def _experiment(agent: Agent, base: AgentConfig, config: AgentConfig, user: str, mark: str) -> None:
    """One for each kind of unit: the user, their session, and their execution."""
    for kind, unit in ((Unit.USER, user), (Unit.SESSION, f"session-{mark}"), (Unit.EXECUTION, f"exec-own-{mark}")):
        experiment = Experiment.objects.create(agent=agent, name="Which is better", unit=kind)
        arm = Variant.objects.create(experiment=experiment, key="control", config=base, is_control=True, buckets=10)
        Variant.objects.create(experiment=experiment, key="treatment", config=config, position=1, buckets=10)
        for one in (unit, "somebody else"):
            Exposure.objects.create(experiment=experiment, variant=arm, unit=one)
            ForcedAssignment.objects.create(experiment=experiment, variant=arm, unit=one, digest="0" * 16)
            OutcomeMark.objects.create(experiment=experiment, unit=one)
            OutcomeEvent.objects.create(
                agent=agent,
                metric="visits",
                unit=one,
                occurred_at=experiment.created_at,
                idempotency_key=f"{kind} {one}",
            )
