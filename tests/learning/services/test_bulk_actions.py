"""An action on many examples: by filter, without some, step by step, and undone where nobody changed it since."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Agent, Job, JobChange, LearningExample, ReviewStatus
from learning.services import bulk_actions, jobs, undoing
from learning.services.bulk_actions import Selection, start_bulk_action
from learning.services.datasets import create_dataset
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from tests import factories


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def run(job: Job, steps: int | None = None) -> Job:
    """Work through a job, or through its first steps alone."""
    worker = {"bulk_action": bulk_actions.work, "undo": undoing.work}[job.kind]
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    for number, step in enumerate(worker(work), 1):
        jobs.record_step(work=work, step=step)
        if number == steps:
            Job.objects.filter(pk=job.pk).update(heartbeat_at="2020-01-01T00:00Z")
            return job
    jobs.finish_job(work=work)
    job.refresh_from_db()
    return job


def act(action: dict[str, Any], **selection: Any) -> Job:
    return run(start_bulk_action(selection=Selection(selection.pop("wanted", {}), **selection), action=action))


def test_all_that_match_are_tagged_except_those_left_out(agent: Agent) -> None:
    one, other, left_out = (factories.make_example(agent, domain="cars") for _ in range(3))
    elsewhere = factories.make_example(agent, domain="boats", tags=["old"])
    job = act({"name": "tag", "tags": ["urgent", " "]}, wanted={"domain": "cars"}, left_out=[left_out.pk])
    assert job.title == "Tag examples: urgent"
    assert (job.result["changed"], job.done, job.total) == (2, 2, 2)
    tags = dict(LearningExample.objects.values_list("pk", "tags"))
    assert tags == {one.pk: ["urgent"], other.pk: ["urgent"], left_out.pk: [], elsewhere.pk: ["old"]}
    event = AuditEvent.objects.get(action="example.changed", target_id=str(one.pk))
    assert (event.before, event.after) == ({"tags": []}, {"tags": ["urgent"]})


def test_only_the_ticked_are_touched(agent: Agent) -> None:
    one, _ = (factories.make_example(agent) for _ in range(2))
    act({"name": "set_domain", "value": "cars"}, only=[one.pk])
    assert LearningExample.objects.get(domain="cars") == one


def test_what_comes_after_the_start_is_not_touched(agent: Agent) -> None:
    factories.make_example(agent)
    job = start_bulk_action(selection=Selection({}), action={"name": "set_domain", "value": "cars"})
    late = factories.make_example(agent)
    assert run(job).done == 1
    late.refresh_from_db()
    assert late.domain == ""


def test_an_action_that_changes_what_it_filters_by_reaches_all(agent: Agent, monkeypatch: Any) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    for _ in range(5):
        factories.make_example(agent)
    job = act({"name": "approve"}, wanted={"status": "pending"})
    assert job.result["changed"] == 5
    assert LearningExample.objects.filter(review_status=ReviewStatus.APPROVED).count() == 5


def test_a_killed_worker_goes_on_where_it_was(agent: Agent, monkeypatch: Any) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    for _ in range(5):
        factories.make_example(agent)
    job = start_bulk_action(selection=Selection({}), action={"name": "tag", "tags": ["a"]})
    run(job, steps=2)
    assert JobChange.objects.count() == 2
    assert run(job).result["changed"] == 5
    assert JobChange.objects.count() == 5


def test_what_cannot_be_done_is_reported_with_its_reason(agent: Agent) -> None:
    empty = factories.make_example(agent, expected_output=" ")
    done = factories.make_example(agent, review_status=ReviewStatus.APPROVED)
    job = act({"name": "approve"})
    assert (job.result["changed"], job.result["unchanged"], job.result["refused"]) == (0, 1, 1)
    assert job.result["problems"] == [{"example": str(empty.pk), "reason": "It holds no answer to learn from."}]
    assert not JobChange.objects.filter(target_id=done.pk).exists()


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({"name": "explode"}, "action.name"),
        ({"name": "tag", "tags": [" "]}, "action.tags"),
        ({"name": "tag", "tags": ["x" * 51]}, "action.tags"),
        ({"name": "set_domain", "value": "x" * 101}, "action.value"),
    ],
)
def test_an_action_without_sense_is_refused(scope: Organization, action: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as caught:
        start_bulk_action(selection=Selection({}), action=action)
    assert caught.value.field == field


@pytest.mark.parametrize("action", ["approve", "reject"])
@pytest.mark.parametrize("before", [ReviewStatus.PENDING, ReviewStatus.IN_REVIEW, ReviewStatus.NEEDS_REVISION])
def test_a_verdict_is_undone(agent: Agent, action: str, before: str) -> None:
    example = factories.make_example(agent, review_status=before)
    job = act({"name": action})
    undone = run(undoing.undo_job(job=job))
    example.refresh_from_db()
    assert example.review_status == before
    assert undone.result["restored"] == 1
    with pytest.raises(Conflict, match="undone already"):
        undoing.undo_job(job=job)


def test_undoing_leaves_what_somebody_changed_since_and_says_so(agent: Agent) -> None:
    same, changed, gone = (factories.make_example(agent, tags=["a"]) for _ in range(3))
    job = act({"name": "tag", "tags": ["b"]})
    LearningExample.objects.filter(pk=changed.pk).update(tags=["a", "b", "c"])
    LearningExample.objects.filter(pk=gone.pk).delete()
    result = run(undoing.undo_job(job=job)).result
    assert (result["restored"], result["left"]) == (1, 2)
    assert {problem["reason"] for problem in result["problems"]} == {
        "Somebody changed it since.", "It was deleted since.",
    }  # fmt: skip
    assert dict(LearningExample.objects.values_list("pk", "tags")) == {same.pk: ["a"], changed.pk: ["a", "b", "c"]}


def test_what_changed_nothing_cannot_be_undone(agent: Agent) -> None:
    with pytest.raises(Conflict, match="changed nothing"):
        undoing.undo_job(job=act({"name": "approve"}))


def test_only_what_was_never_published_is_deleted_and_that_for_good(agent: Agent) -> None:
    for number in range(60):
        factories.make_example(agent, review_status=ReviewStatus.APPROVED, input_text=f"Film {number * 7919} was good")
    publish_version(dataset=create_dataset(name="Films", agent=agent))
    fresh = factories.make_example(agent)
    prepare_waiting()
    job = act({"name": "delete"})
    assert (job.result["changed"], job.result["refused"]) == (1, 60)
    assert not LearningExample.objects.filter(pk=fresh.pk).exists()
    with pytest.raises(Conflict, match="changed nothing"):
        undoing.undo_job(job=job)


@pytest.mark.parametrize("wanted", [{"version": "no version"}, {"status": "nonsense"}, {"since": "tomorrow"}])
def test_an_action_with_a_filter_that_makes_no_sense_touches_nothing(agent: Agent, wanted: dict[str, str]) -> None:
    factories.make_example(agent)
    with pytest.raises(Refused) as refused:
        act({"name": "delete"}, wanted=wanted)
    assert refused.value.field == next(iter(wanted))
    assert LearningExample.objects.exists() and not Job.objects.exists()


def test_a_filter_that_lost_its_sense_before_the_job_began_stops_the_job(agent: Agent) -> None:
    other = factories.make_agent()
    factories.make_example(agent)
    selection = Selection({"agent": other.pk})
    job = start_bulk_action(selection=selection, action={"name": "delete"})
    other.delete()
    with pytest.raises(Refused, match="Agent"):
        run(job)
    assert LearningExample.objects.exists()


def test_an_action_on_a_version_touches_its_open_examples_alone(agent: Agent) -> None:
    for number in range(40):
        factories.make_example(agent, review_status=ReviewStatus.APPROVED, input_text=f"Film {number * 7919} was good")
    version = publish_version(dataset=create_dataset(name="Films", agent=agent))
    factories.make_example(agent)
    job = act({"name": "tag", "tags": ["learned"]}, wanted={"version": version.pk})
    assert job.result["changed"] == version.train_count + version.validation_count
    sealed = version.items.filter(split="test").values("example_id")
    assert version.test_count and not LearningExample.objects.filter(pk__in=sealed, tags=["learned"]).exists()


def test_one_of_each_cluster_becomes_its_representative_and_no_choice_is_overruled(agent: Agent) -> None:
    text = "The film was long, loud and far too expensive to see twice"
    first, second = factories.make_example(agent, input_text=text), factories.make_example(agent, input_text=text + ".")
    prepare_waiting()
    job = act({"name": "mark_representative"})
    assert (job.result["changed"], job.result["refused"]) == (1, 1)
    first.refresh_from_db()
    assert first.is_representative
    run(undoing.undo_job(job=job))
    assert not LearningExample.objects.filter(is_representative=True).exists()
    second.refresh_from_db()
    assert second.cluster_key == first.cluster_key
