"""A person who is forgotten goes out of what an agent learned to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from learning import job_tasks
from learning.engines.behavior.cloning import LinearPolicy, clone
from learning.engines.behavior.episodes import RESPOND, Action, Episode, State, Step, choices_of
from learning.engines.behavior.update import choice_json
from learning.models import (
    ActionCorrection,
    Agent,
    AgentConfig,
    Demonstration,
    ErasureReceipt,
    GateReport,
    LearningExample,
    ReviewStatus,
    RunStatus,
    TrainingRun,
    TrainingRunLog,
)
from learning.services import erasure
from learning.services.action_corrections import incorporate_correction
from learning.services.datasets import create_dataset
from learning.services.demonstrations import add_demonstration
from learning.services.publication import publish_version
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.erasure.dump import places_of

pytestmark = pytest.mark.django_db(transaction=True)
USER = "user-4711"
WORD = "quizzle"  # too short to be cut out as a name: only a policy would know it by itself
FILLER = "the parcel lies in the depot and waits there. " * 12  # so that the example's transcript ends before the word


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    return factories.make_organization()


@pytest.fixture
def agent(organization: Organization) -> Agent:
    with organization_scope(organization.pk):
        return factories.make_agent()


def demonstrate(agent: Agent, told: str, number: int, user: str = "") -> Episode:
    """The words of the person come in the second step alone."""
    steps = (
        Step(f"parcel number {number} please", Action("look_up", {"note": "x"}), outcome=f"{FILLER} {told}"),
        Step(f"{FILLER} {told}", Action(RESPOND, {"text": f"It is there {told}"}), source="tool"),
    )
    episode = Episode(f"{user}{number}", steps, 1.0, f"case {user} {number}")
    stored = add_demonstration(agent=agent, episode=episode, user=user)
    return Episode(str(stored.pk), steps, 1.0, episode.group)


def correct(agent: Agent) -> ActionCorrection:
    seen = f"the gentleman said {WORD}"
    return incorporate_correction(
        agent=agent, original_action=Action("book"), corrected_action=Action("ask", {"whom": WORD}), user=USER,
        explanation=f"he meant {WORD}", context=State(seen, seen, "user", ()),
    )  # fmt: skip


def learn(agent: Agent) -> TrainingRun:
    """As a policy update leaves it: a config with steps and a policy, its run and its gate."""
    episodes = [demonstrate(agent, "very much", number) for number in range(4)]
    own = [demonstrate(agent, f"dear {WORD}", number, USER) for number in range(2)]
    correction = correct(agent)
    LearningExample.objects.update(review_status=ReviewStatus.APPROVED)
    version = publish_version(dataset=create_dataset(name="steps", agent=agent))
    choices = choices_of([*episodes, *own])
    policy = clone(choices).as_json()
    assert f"o:{WORD}" in policy["features"] and "o:depot" in policy["features"]
    evidence = {"examples": [own[0].key, episodes[0].key, str(correction.pk)]}
    rule = {"kind": "pattern", "text": "Look up first.", "actions": ["look_up"], "evidence": evidence}
    run = TrainingRun.objects.create(
        name="Steps", agent=agent, base_config=factories.make_config(agent), dataset_version=version,
        training_type="behavior_cloning", status=RunStatus.COMPLETED,
        metrics={"behavior": {"patterns": [evidence], "rules": [rule]}},
    )  # fmt: skip
    behavior = {
        "strategy": "imitation", "shown": 3, "rules": [rule], "action_policy": policy,
        "demonstrations": [choice_json(one) for one in choices],
    }  # fmt: skip
    run.candidate_config = factories.make_config(
        agent, "approved", content=factories.CONTENT | {"behavior": behavior}, training_run=run
    )
    run.save()
    # What stands in a step alone, behind what the example's text tells of it.
    TrainingRunLog.objects.create(run=run, message=f"Seen: it waits there. dear {WORD}")
    example = LearningExample.objects.filter(user=USER).first()
    assert example is not None
    case = {"kind": "behavior", "name": str(example.pk), "input": f"dear {WORD}", "sealed": True}
    GateReport.objects.create(
        config=run.candidate_config,
        training_run=run,
        status="passed",
        cases=[case, case | {"name": f"hostile {example.pk}"}],
    )
    return run


def erase(organization: Organization) -> ErasureReceipt:
    with organization_scope(organization.pk):
        job = erasure.request_erasure(user=USER)
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job.refresh_from_db()
        assert job.status == "completed", job.failure_reason
        return ErasureReceipt.objects.get(job_id=job.pk)


def test_no_step_word_or_key_of_theirs_is_left_anywhere_and_the_rest_still_works(
    organization: Organization, agent: Agent
) -> None:
    with organization_scope(organization.pk):
        run = learn(agent)
        config = AgentConfig.objects.get(pk=run.candidate_config_id)
        keys = [str(row.pk) for row in Demonstration.objects.filter(example__user=USER)]
        keys += [str(row.pk) for row in ActionCorrection.objects.filter(example__user=USER)]
    before = places_of(WORD)
    assert {"learning_agentconfig.content", "learning_demonstrationstep.outcome", "learning_gatereport.cases",
            "learning_actioncorrection.explanation"} <= set(before)  # fmt: skip
    receipt = erase(organization)

    assert places_of(WORD) == []
    with organization_scope(organization.pk):
        after = AgentConfig.objects.get(pk=config.pk)
        shown = after.content["behavior"]["demonstrations"]
        assert shown == [one for one in config.content["behavior"]["demonstrations"] if one["from"] not in keys]
        assert len(shown) == 8 == Demonstration.objects.count() * 2
        policy = LinearPolicy.from_json(after.content["behavior"]["action_policy"])
        assert "o:depot" in policy.features and not [one for one in policy.features if WORD in one]
        assert after.erased_at is not None and after.content["system_prompt"] == config.content["system_prompt"]
        found = TrainingRun.objects.get(pk=run.pk).metrics
        assert len(found["behavior"]["patterns"][0]["examples"]) == 1
        assert not [key for key in keys if key in str([after.content, found])]
    assert [(one["config_id"], one["quoted"]) for one in receipt.retrain] == [(str(config.pk), True)]


def test_a_policy_that_goes_by_none_of_their_words_keeps_its_weights(organization: Organization, agent: Agent) -> None:
    with organization_scope(organization.pk):
        episodes = [demonstrate(agent, "very much", number) for number in range(4)]
        demonstrate(agent, "very much", 9, USER)
        policy = clone(choices_of(episodes)).as_json()
        content = factories.CONTENT | {"behavior": {"action_policy": policy}}
        config = factories.make_config(agent, content=content)
    erase(organization)
    with organization_scope(organization.pk):
        assert AgentConfig.objects.get(pk=config.pk).content == content
