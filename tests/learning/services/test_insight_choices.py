"""Choices between two answers: where they come from, and what a report keeps of them."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from learning.choice_sources import Choice
from learning.engines.behavior.episodes import Action, State
from learning.models import Agent, AgentFeedback, InsightReport, LearningExample, ReviewerPreferenceModel
from learning.services import insight_choices
from learning.services.action_corrections import incorporate_correction
from learning.services.insight_choices import Chosen, pairs_of, read_choices
from learning.services.insight_reading import drift_of_weights, drifts_of, preferences_of
from learning.services.insight_rows import choices_behind
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.services.test_insight import learn

LONG = "Well, perhaps you might return it, maybe, if it seems possible to you at all."


def correct(agent: Agent, place: int, better: str, worse: str, **values: Any) -> None:
    execution = factories.make_execution(agent, input=f"May I return item {place}?", output=worse)
    AgentFeedback.objects.create(
        agent=agent, execution=execution, correction_text=better,
        **{"feedback_type": "correction", "user": f"user-{place % 4}"} | values,
    )  # fmt: skip


def some_corrections(agent: Agent) -> None:
    """Four people who like it short, mostly."""
    for place in range(24):
        better, worse = ("Yes, you may.", LONG) if place % 7 else (LONG, "Yes, you may.")
        correct(agent, place, better, worse)


def choices(agent: Agent) -> list[Chosen]:
    now = timezone.now()
    return read_choices(agent=agent, since=now - timedelta(days=1), until=now + timedelta(days=1))


def test_a_correction_is_preferred_to_the_answer_where_its_user_consents(scope: Organization) -> None:
    agent = factories.make_agent()
    correct(agent, 1, "Yes.", LONG)
    correct(agent, 2, "Yes.", LONG, consent=False)
    correct(agent, 3, "Yes.", "Yes.")
    (one,) = choices(agent)
    assert (one.who, one.compared) == (("user", "user-1"), False)
    assert one.difference["words"] < -1 and one.difference["hedges"] < 0
    assert one.length_ratio == pytest.approx(2 / 16)


def test_what_an_application_sends_counts_until_an_expert_compares(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = factories.make_agent()
    sent = factories.make_example(
        agent, example_type="preference", expected_output="Yes.", rejected_output=LONG, user="anna"
    )
    factories.make_example(
        agent, example_type="preference", expected_output="A.", rejected_output=LONG, review_status="rejected"
    )
    factories.make_example(agent, example_type="preference", expected_output="A.", rejected_output="A. ")
    (one,) = choices(agent)
    assert (one.who, one.compared, one.example_id) == (("user", "anna"), True, sent.pk)
    judged = [Choice(sent.pk, 7, LONG, "Yes.", compared=True)]
    monkeypatch.setattr(insight_choices, "choice_sources", lambda: [lambda **values: iter(judged)])
    (other,) = choices(agent)
    assert other.who == ("expert", 7) and other.difference["words"] > 1


def test_a_corrected_action_is_no_text_to_learn_a_tone_from(scope: Organization) -> None:
    agent = factories.make_agent()
    incorporate_correction(
        agent=agent, original_action=Action("search"), corrected_action=Action("refund", {"order": 7}),
        context=State("", "", "", ()),
    )  # fmt: skip
    assert LearningExample.objects.get().example_type == "preference" and choices(agent) == []


def test_reviewers_of_pairs_share_their_codes_with_those_of_opinions() -> None:
    difference = dict.fromkeys(insight_choices.COMPARED, 0.5)
    who: list[Any] = [("expert", 1), ("user", "anna")]
    told = [Chosen(one, True, difference, "") for one in (("user", "anna"), ("user", "ben"), ("expert", 1))]
    pairs = pairs_of(told, who)
    assert pairs.reviewers.tolist() == [1, 2, 0] and who[2] == ("user", "ben")
    assert len(set(pairs.cases.tolist())) == 3


def test_each_report_keeps_the_weights_and_tells_what_has_moved(scope: Organization) -> None:
    agent = factories.make_agent()
    some_corrections(agent)
    first = learn(agent)
    told = first.preferred
    assert (told["n"], told["compared"], told["corrected"], told["reviewers"]) == (24, 0, 24, 4)
    assert [one["feature"] for one in told["weights"]] == ["answer.words", "answer.hedges"]
    assert 0.5 < told["accuracy"] < 1
    assert {(row.pairs, row.n) for row in preferences_of(first)} == {(6, 6)}
    assert choices_behind(report=first).found == 24
    anna = preferences_of(first)[0]
    assert choices_behind(report=first, reviewer=anna).found == 6
    later = InsightReport.objects.create(
        agent=agent, number=2, trigger="person", since=first.since, until=first.until,
        preferred={"weights": [{"feature": "answer.words", "value": 40.0, "low": 30.0, "high": 50.0}]},
    )  # fmt: skip
    changed = {name: one | {"low": 30.0, "high": 50.0} for name, one in anna.pair_weights.items()}
    row = ReviewerPreferenceModel.objects.create(report=later, user=anna.user, n=0, pairs=3, pair_weights=changed)
    assert drift_of_weights(later) == ["answer.words"] and drift_of_weights(first) == []
    assert set(drifts_of(later, [row])[row.pk].weights) == {"answer.words", "answer.hedges"}
    assert drifts_of(first, [anna])[anna.pk].weights == []


@pytest.mark.django_db(transaction=True)
def test_the_command_prints_what_was_found(organization: Organization) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="bot")
        some_corrections(agent)
    out = StringIO()
    call_command("learn", organization=organization.slug, agent="bot", days=7, stdout=out)
    assert "Report 1: 24 opinions, 24 judge quality." in out.getvalue()
    assert "Preferred: length of the answer in words -" in out.getvalue() and "24 pairs" in out.getvalue()
    with pytest.raises(CommandError, match="There is no agent 'cat'"):
        call_command("learn", organization=organization.slug, agent="cat")
    with pytest.raises(CommandError, match="1 to 365"):
        call_command("learn", organization=organization.slug, agent="bot", days=0)
