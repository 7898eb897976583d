"""The scripted tasks of bench_search: what is said to be true of a prompt is true of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from statistics import fmean

import pytest
from django.core.management import call_command

from learning.engines.metrics import exact
from learning.engines.types import Demonstration, Prompt, Split
from project.management.commands import bench_search
from project.search_benchmark.worlds import CURRENT, KINDS, NULL, Kind, World


def show(world: World, count: int) -> Prompt:
    shown = [one for one in world.examples if one.split is Split.TRAIN][:count]
    return replace(CURRENT, examples=tuple(Demonstration(one.input, one.expected) for one in shown))


@pytest.mark.parametrize("kind", [*KINDS, NULL], ids=lambda kind: kind.name)
@pytest.mark.parametrize("count", [0, 1, 6])
def test_the_true_accuracy_of_a_prompt_is_the_share_of_its_right_answers(kind: Kind, count: int) -> None:
    said, seen = [], []
    for seed in range(25):
        world = World(kind, seed)
        prompt = show(world, count)
        asked = [one for one in world.examples if one.split is not Split.TRAIN]
        answers = world.complete_many([prompt.request(one.input) for one in asked])
        said.append(world.accuracy(prompt))
        seen.append(fmean(exact(answer.text, one.expected) for answer, one in zip(answers, asked, strict=True)))
    assert fmean(seen) == pytest.approx(fmean(said), abs=0.04)


def test_a_task_is_the_same_again_and_another_seed_is_another_task() -> None:
    world, again, other = World(KINDS[0], 1), World(KINDS[0], 1), World(KINDS[0], 2)
    request = [show(world, 4).request(one.input) for one in world.examples[:40]]
    assert world.complete_many(request) == again.complete_many(request)
    assert world.accuracy(show(world, 4)) == again.accuracy(show(again, 4)) != other.accuracy(show(other, 4))


@pytest.mark.parametrize(
    "change",
    [
        lambda prompt: replace(prompt, system_prompt="Do it well."),
        lambda prompt: replace(prompt, examples=prompt.examples[1:]),
        lambda prompt: replace(prompt, examples=prompt.examples[::-1]),
    ],
    ids=["instruction", "fewer examples", "another order"],
)
def test_instruction_examples_and_order_matter_but_where_nothing_helps(change: Callable[[Prompt], Prompt]) -> None:
    world, null = World(KINDS[0], 1), World(NULL, 1)
    assert world.accuracy(change(show(world, 5))) != pytest.approx(world.accuracy(show(world, 5)), abs=0.001)
    assert null.accuracy(change(show(null, 5))) == pytest.approx(null.accuracy(CURRENT)) == pytest.approx(0.5)


def test_a_last_label_draws_the_answers_towards_itself() -> None:
    world = World(replace(KINDS[0], bias=3.0, order=0.0, examples=0.0), 1)
    labels = sorted({one.expected for one in world.examples})
    shown = tuple(Demonstration(f"x{n}", label) for n, label in enumerate([*labels, *labels, labels[0]]))
    said = world.complete_many([replace(CURRENT, examples=shown).request(one.input) for one in world.examples])
    right = {label: [one.expected == label for one in world.examples] for label in labels}
    share = {label: fmean(a.text == label for a, of in zip(said, right[label], strict=True) if of) for label in labels}
    assert share[labels[0]] > max(share[label] for label in labels[1:]) + 0.2


def test_the_benchmark_prints_what_was_found_and_what_was_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_search, "KINDS", KINDS[:1])
    out = StringIO()
    call_command("bench_search", "--seeds", "3", "--json", stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert [(one["task"], one["calls"], one["runs"]) for one in figures["tasks"]] == [
        (kind.name, calls, 3) for calls in bench_search.CALLS for kind in (KINDS[0], NULL)
    ]
    needs = figures["tasks"][2]
    assert needs["liked"] > needs["current"] + 0.2
    assert 0 <= figures["false_claims"] <= 0.5
    assert "Claims where nothing helps" in out.getvalue()
