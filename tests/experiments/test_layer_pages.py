"""Layers, testers and the application's own metrics in the browser."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from experiments.models import CustomMetric, Experiment, ForcedAssignment, Layer
from experiments.services.creation import halves
from experiments.services.layers import create_layer
from experiments.services.lifecycle import start_experiment, stop_experiment
from experiments.services.reported import create_metric
from experiments.services.standing import create_aa
from learning.models import Agent
from organizations.models import Organization
from tests import factories

BASE = "/admin/learning/experiments"


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_a_layer_is_made_shown_and_changed(sign_in: Any, scope: Organization) -> None:
    browser = sign_in("admin")
    assert "No layer yet" in text(browser.get(f"{BASE}/layers/"))
    made = browser.post(f"{BASE}/layers/new/", {"name": "Tone", "holdout": "12.5"}, follow=True)
    assert "87.5 % free, holdout 12.5 %" in text(made)
    layer = Layer.objects.get()
    assert "already" in text(browser.post(f"{BASE}/layers/new/", {"name": "Tone", "holdout": "0"}))
    assert "0.01" in text(browser.post(f"{BASE}/layers/new/", {"name": "Other", "holdout": "0.001"}))
    changed = browser.post(f"{BASE}/layers/{layer.pk}/", {"name": "Tones", "holdout": "20"}, follow=True)
    assert "80 % free" in text(changed) and Layer.objects.get().name == "Tones"


def test_a_layer_shows_who_has_taken_what_and_the_gap_between(sign_in: Any, agent: Agent, draft: Any) -> None:
    layer = create_layer(name="Tone", holdout=10)
    first = start_experiment(experiment=draft(layer=layer, layer_percentage=30))
    shown = text(sign_in("member").get(f"{BASE}/layers/"))
    assert "60 % free" in shown and first.name in shown and 'class="layer-taken" x="10%" width="30%"' in shown
    arms = halves(candidate=factories.make_config(agent), control=agent.serving_config)
    start_experiment(experiment=draft(layer=layer, layer_percentage=20, arms=arms))
    stop_experiment(experiment=first)
    shown = text(sign_in("member").get(f"{BASE}/layers/"))
    assert "70 % free" in shown
    for kind, place in (("holdout", (0, 10)), ("free", (10, 30)), ("taken", (40, 20)), ("free", (60, 40))):
        assert 'class="layer-{}" x="{}%" width="{}%"'.format(kind, *place) in shown


def test_the_holdout_of_a_layer_that_is_used_stays(sign_in: Any, draft: Any) -> None:
    layer = create_layer(name="Tone")
    start_experiment(experiment=draft(layer=layer))
    shown = text(sign_in("admin").post(f"{BASE}/layers/{layer.pk}/", {"name": "Tone", "holdout": "5"}))
    assert "An experiment runs in this layer" in shown
    assert Layer.objects.get().holdout == 0


def test_a_tester_is_put_into_an_arm_and_let_go(sign_in: Any, experiment: Experiment) -> None:
    browser, address = sign_in("admin"), f"{BASE}/{experiment.pk}/"
    put = {"unit": "anna@example.org", "variant": "treatment", "note": "looks at the tone"}
    shown = text(browser.post(f"{address}testers/", put, follow=True))
    assert "anna@example.org gets treatment" in shown and "looks at the tone" in shown
    assert ForcedAssignment.objects.get().created_by == browser.user
    shown = text(browser.post(f"{address}testers/release/", {"unit": "anna@example.org"}, follow=True))
    assert "gets what its bucket says again" in shown and "looks at the tone" not in shown


@pytest.mark.parametrize(
    ("put", "words"),
    [
        ({"unit": "", "variant": "treatment"}, "Identifier: This field is required."),
        ({"unit": "x" * 201, "variant": "treatment"}, "at most 200 characters"),
        ({"unit": "x", "variant": "nowhere"}, "Select a valid choice"),
    ],
)
def test_an_impossible_tester_is_refused(sign_in: Any, experiment: Experiment, put: dict[str, str], words: str) -> None:
    assert words in text(sign_in("admin").post(f"{BASE}/{experiment.pk}/testers/", put, follow=True))
    assert not ForcedAssignment.objects.exists()


def test_who_is_no_tester_cannot_be_let_go(sign_in: Any, experiment: Experiment) -> None:
    answer = sign_in("admin").post(f"{BASE}/{experiment.pk}/testers/release/", {"unit": "ben\x00"}, follow=True)
    assert "Nobody put" in text(answer)


def test_an_aa_and_one_that_is_over_have_no_testers(sign_in: Any, agent: Agent, experiment: Experiment) -> None:
    browser = sign_in("admin")
    assert 'data-testid="testers"' in text(browser.get(f"{BASE}/{experiment.pk}/"))
    stop_experiment(experiment=experiment)
    for one in (experiment, create_aa(agent=agent)):
        assert 'data-testid="testers"' not in text(browser.get(f"{BASE}/{one.pk}/"))
        answer = browser.post(f"{BASE}/{one.pk}/testers/", {"unit": "x", "variant": "treatment"}, follow=True)
        assert 'class="message error"' in text(answer)


def test_a_metric_of_ones_own_is_made(sign_in: Any, scope: Organization) -> None:
    browser = sign_in("admin")
    form = {"name": "minutes", "label": "minutes saved", "shape": "count", "unit": "min", "high": "60"}
    assert "minutes can be measured" not in text(browser.get(f"{BASE}/metrics/"))
    assert "minutes saved can be measured now" in text(browser.post(f"{BASE}/metrics/new/", form, follow=True))
    metric = CustomMetric.objects.get()
    assert (metric.shape, metric.higher_is_better, metric.low, metric.high) == ("count", False, None, 60)
    assert "already" in text(browser.post(f"{BASE}/metrics/new/", form))
    for change, words in (
        ({"name": "Minutes!"}, "small letters"),
        ({"name": "latency"}, "measured already"),
        ({"name": "other", "low": "60"}, "lower limit lies below"),
    ):
        assert words in text(browser.post(f"{BASE}/metrics/new/", form | change))
    assert CustomMetric.objects.count() == 1


def test_a_metric_of_ones_own_is_changed_and_deleted_while_nothing_measures_it(sign_in: Any, draft: Any) -> None:
    metric = create_metric(name="minutes", label="minutes saved", shape="count", high=60)
    browser, address = sign_in("admin"), f"{BASE}/metrics/{metric.pk}/"
    assert 'value="60.0"' in text(browser.get(address))
    change = {"label": "minutes", "unit": "min", "higher_is_better": "on", "name": "other", "shape": "binary"}
    assert "minutes is changed" in text(browser.post(address, change, follow=True))
    metric.refresh_from_db()
    assert (metric.name, metric.shape, metric.label, metric.high) == ("minutes", "count", "minutes", None)
    going_on = start_experiment(experiment=draft(metrics=[{"name": "minutes", "role": "success"}]))
    assert "is frozen while" in text(browser.post(address, change | {"high": "30"}))
    assert "measures it" in text(browser.post(f"{address}delete/", follow=True))
    stop_experiment(experiment=going_on)
    assert "minutes is gone" in text(browser.post(f"{address}delete/", follow=True))
    assert not CustomMetric.objects.exists()


def test_members_see_layers_and_metrics_and_change_nothing(
    sign_in: Any, experiment: Experiment, other_organization: Organization
) -> None:
    layer, metric = create_layer(name="Tone"), create_metric(name="minutes", label="minutes", shape="count")
    member, stranger = sign_in("manager"), sign_in("admin", inside=other_organization)
    assert "Tone" in text(member.get(f"{BASE}/layers/")) and "Tone" not in text(stranger.get(f"{BASE}/layers/"))
    own = (f"layers/{layer.pk}/", f"metrics/{metric.pk}/", f"{experiment.pk}/change/")
    for path in ("layers/new/", "metrics/new/", *own):
        assert member.get(f"{BASE}/{path}").status_code == 403
    posts = (f"{experiment.pk}/testers/", f"{experiment.pk}/testers/release/", f"metrics/{metric.pk}/delete/")
    for path in ("plan/", *posts):
        assert member.post(f"{BASE}/{path}").status_code == 403
    for path in (*own, f"layers/{uuid4()}/"):
        assert stranger.get(f"{BASE}/{path}").status_code == 404
    for path in posts:
        assert stranger.post(f"{BASE}/{path}").status_code == 404
