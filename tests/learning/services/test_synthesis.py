"""Synthetic examples: of what is trained on alone, always marked, within their budget."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from learning.job_tasks import run_job
from learning.models import Agent, Job, JobStatus, LearningExample, ReviewStatus, Split, SplitAssignment
from learning.services import jobs
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from learning.services.synthesis import origins, start_synthesis
from organizations.errors import Refused
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.scripted_llm import Fault, ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)


def vary(messages: list[dict[str, str]]) -> str:
    asked = re.search(r"request: (.*)", messages[1]["content"])
    style = messages[0]["content"].rsplit(". ", 2)[-1]
    return f"```\nSay again {asked[1] if asked else ''} ({style})\n```"


@pytest.fixture
def llm(settings: Any) -> Iterator[ScriptedLLM]:
    with ScriptedLLM(vary) as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server


@pytest.fixture
def agent(organization: Organization) -> Agent:
    with organization_scope(organization.pk):
        agent = factories.make_agent(domain="support")
        factories.make_published_version(agent, examples=40)
    return agent


def run(organization: Organization, agent: Agent, variants: int = 2, most_calls: int = 500) -> Job:
    with organization_scope(organization.pk):
        job = start_synthesis(agent=agent, variants=variants, most_calls=most_calls)
    run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        return Job.objects.get(pk=job.pk)


def synthetic() -> Any:
    return LearningExample.objects.filter(source_type="synthetic")


def test_only_what_is_trained_on_is_varied(organization: Organization, agent: Agent, llm: ScriptedLLM) -> None:
    with organization_scope(organization.pk):
        factories.make_example(agent, review_status=ReviewStatus.APPROVED)  # in no split yet
        prepare_waiting()
        allowed = set(SplitAssignment.objects.filter(split=Split.TRAIN).values_list("key", flat=True))
        number = origins(agent.pk).count()
    job = run(organization, agent)
    with organization_scope(organization.pk):
        assert job.status == JobStatus.COMPLETED
        assert job.result["examples"] == number > 0
        made_of = {one.input_context["synthetic_of"] for one in synthetic()}
        assert len(made_of) == number
        origin_clusters = LearningExample.objects.filter(pk__in=made_of).values_list("cluster_key", flat=True)
        assert set(origin_clusters) <= allowed
        asked = " ".join(call["messages"][1]["content"] for call in llm.calls)
        held_back = SplitAssignment.objects.exclude(split=Split.TRAIN).values("key")
        for text in LearningExample.objects.filter(cluster_key__in=held_back).values_list("input_text", flat=True):
            assert f"request: {text}\n" not in asked


def test_a_variant_says_what_it_is_and_waits_for_review(
    organization: Organization, agent: Agent, llm: ScriptedLLM
) -> None:
    run(organization, agent)
    with organization_scope(organization.pk):
        one = synthetic().first()
        origin = LearningExample.objects.get(pk=one.input_context["synthetic_of"])
        assert one.review_status == ReviewStatus.PENDING
        assert one.input_text.startswith(f"Say again {origin.input_text}")
        assert (one.expected_output, one.example_type, one.domain) == (
            origin.expected_output, origin.example_type, origin.domain,
        )  # fmt: skip


def test_no_version_holds_a_variant_outside_of_its_train_split(
    organization: Organization, agent: Agent, llm: ScriptedLLM
) -> None:
    run(organization, agent)
    with organization_scope(organization.pk):
        prepare_waiting()
        synthetic().update(review_status=ReviewStatus.APPROVED)
        version = publish_version(dataset=agent.datasets.get())
        splits = version.items.filter(example__source_type="synthetic").values_list("split", flat=True)
        assert set(splits) == {Split.TRAIN}


def test_the_model_is_asked_no_more_often_than_allowed(
    organization: Organization, agent: Agent, llm: ScriptedLLM
) -> None:
    job = run(organization, agent, variants=2, most_calls=5)
    assert (job.status, len(llm.calls), job.result["calls"], job.done) == (JobStatus.COMPLETED, 4, 4, 2)


def test_an_answer_that_got_lost_is_asked_for_again_and_counts_as_another_call(
    organization: Organization, agent: Agent, llm: ScriptedLLM
) -> None:
    llm.fail_next(Fault(504))
    job = run(organization, agent, variants=2, most_calls=9)
    assert (job.status, len(llm.calls), job.result["calls"]) == (JobStatus.COMPLETED, 9, 9)


def test_the_model_is_asked_outside_of_any_transaction(
    organization: Organization, agent: Agent, llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    from learning.services import synthesis

    ask, inside = synthesis.ask, []
    monkeypatch.setattr(synthesis, "ask", lambda *given: inside.append(connection.in_atomic_block) or ask(*given))
    run(organization, agent, most_calls=4)
    assert inside == [False]


def test_an_example_is_varied_once(organization: Organization, agent: Agent, llm: ScriptedLLM) -> None:
    run(organization, agent)
    with organization_scope(organization.pk), pytest.raises(Refused) as refusal:
        start_synthesis(agent=agent, variants=2, most_calls=9)
    assert "varied already" in refusal.value.message


def test_replies_that_repeat_are_counted_and_not_kept(organization: Organization, agent: Agent, settings: Any) -> None:
    with ScriptedLLM(lambda messages: "```always the same```") as server:
        settings.OPENAI_BASE_URL = server.base_url
        job = run(organization, agent, variants=3, most_calls=12)
    with organization_scope(organization.pk):
        assert synthetic().count() <= 4
        assert job.result["repeated"] + job.result["variants"] == 12


def test_a_model_that_is_away_ends_the_job_with_a_reason_and_it_goes_on_later_without_asking_twice(
    organization: Organization, agent: Agent, llm: ScriptedLLM
) -> None:
    llm.fail_next(*[Fault(401)] * 4)
    job = run(organization, agent, most_calls=8)
    assert job.status == JobStatus.FAILED
    assert "language model" in job.failure_reason
    llm._faults.clear()
    with organization_scope(organization.pk):
        jobs.resume_job(job=job)
    run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job.refresh_from_db()
        assert (job.status, job.result["calls"]) == (JobStatus.COMPLETED, 8)


@pytest.mark.parametrize(("given", "field"), [((0, 9), "variants"), ((6, 9), "variants"), ((1, 0), "most_calls")])
def test_impossible_numbers_are_refused(
    organization: Organization, agent: Agent, given: tuple[int, int], field: str
) -> None:
    with organization_scope(organization.pk), pytest.raises(Refused) as refusal:
        start_synthesis(agent=agent, variants=given[0], most_calls=given[1])
    assert refusal.value.field == field


def test_what_was_withdrawn_while_the_model_was_asked_has_no_variants(
    organization: Organization, agent: Agent, llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    from learning.services import synthesis

    ask = synthesis.ask

    def withdraw_meanwhile(*given: Any) -> Any:
        with organization_scope(organization.pk):
            LearningExample.objects.update(review_status=ReviewStatus.REJECTED)
        return ask(*given)

    monkeypatch.setattr(synthesis, "ask", withdraw_meanwhile)
    job = run(organization, agent, most_calls=4)
    with organization_scope(organization.pk):
        assert (job.result["withdrawn"], synthetic().count()) == (4, 0)
