"""The comparison of prompt optimizers, with a scripted model: who asks what, how often, and what is counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.metrics import exact
from learning.engines.prompt import reflecting
from learning.engines.protocols import Tick
from learning.engines.types import Completion, CompletionRequest, Message, Prompt
from project.management.commands import bench_prompt
from project.prompt_benchmark import peer
from project.prompt_benchmark.asking import Meter, RememberedAnswers
from project.prompt_benchmark.comparison import SIDES, Outcome, TaskResult, compare_sides
from project.prompt_benchmark.report import report
from project.prompt_benchmark.sides import Problem, Side, keep_current, ours
from project.prompt_benchmark.tasks import TASKS, Task, draw

PAIRS = [(f"film {n} was {word}", label) for n in range(120) for word, label in (("good", "yes"), ("bad", "no"))]
TASK = Task("films", "Is it good?", 8, (), lambda folder: PAIRS)
TOLD = "Reply with yes or no alone."
SEARCHES = [pytest.param(side.search, id=side.name) for side in SIDES if side.share == 1]


class Scripted:
    """Answers by a function of the chat and keeps every question."""

    def __init__(self, answer: Callable[[tuple[Message, ...]], str]) -> None:
        self.answer = answer
        self.requests: list[CompletionRequest] = []

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        self.requests += requests
        return [Completion(self.answer(request.messages)) for request in requests]


def needs_examples(chat: tuple[Message, ...]) -> str:
    """Like a small model: chats away until it is shown how to answer, and cannot write instructions."""
    label = "yes" if "good" in chat[-1]["content"] else "no"
    return label if any(turn["role"] == "assistant" for turn in chat) else f"I think that it is {label}."


def can_reflect(chat: tuple[Message, ...]) -> str:
    """Like a large model: follows an instruction, and writes a good one when it is shown what was wrong."""
    text = chat[-1]["content"]
    if "write a new instruction" in text:
        return f"Here it is:\n```\n{TOLD}\n```" if "must be exactly" in text else "```\nGo on.\n```"
    return needs_examples(chat) if TOLD not in chat[0]["content"] else ("yes" if "good" in text else "no")


def make_problem(seed: int = 1) -> Problem:
    return Problem(TASK.current, draw(PAIRS, 40, 1)[0], exact, seed)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("limit", [5, 31, 80, 200])
def test_no_side_makes_one_call_more_than_its_budget(search: peer.Any, limit: int) -> None:
    for answer in (needs_examples, can_reflect, lambda chat: "", lambda chat: "yes"):
        model = Scripted(answer)
        meter = Meter(model, limit)
        search(make_problem(), meter)
        assert len(model.requests) == meter.calls <= limit


def test_a_side_that_needs_examples_finds_them_and_one_that_reflects_with_a_weak_model_does_not() -> None:
    material, tests = draw(PAIRS, 40, 1)
    result = compare_sides(TASK, material, tests, RememberedAnswers(Scripted(needs_examples)), budget=320, seed=1)
    right = {name: outcome.accuracy for name, outcome in result.outcomes.items()}
    assert right == {"current": 0, "gepa": 0, "gepa_own_proposer": 1, "ours": 1, "ours_quarter": 1}
    assert {name: one.calls <= 320 for name, one in result.outcomes.items()} == dict.fromkeys(right, True)
    assert result.outcomes["ours_quarter"].calls <= 80


def test_gepa_with_a_model_that_can_reflect_finds_the_instruction() -> None:
    model = Scripted(can_reflect)
    found = peer.reflecting(make_problem(), Meter(model, 120))
    assert found.prompt == Prompt(TOLD, parameters=TASK.current.parameters)
    assert "validation 0.00 -> 1.00" in found.said
    reflection = next(one for one in model.requests if "write a new instruction" in one.messages[-1]["content"])
    assert "Is it good?" in reflection.messages[0]["content"]
    assert "I think that it is" in reflection.messages[0]["content"]


def test_what_gepa_asks_again_costs_it_nothing() -> None:
    model = Scripted(needs_examples)
    peer.reflecting(make_problem(), Meter(model, 300))
    asked = [str(request.messages) for request in model.requests if request.parameters.get("max_tokens") == 8]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("search", SEARCHES)
def test_no_side_sees_a_test_question(search: peer.Any) -> None:
    material, tests = draw(PAIRS, 40, 1)
    model = Scripted(needs_examples)
    search(Problem(TASK.current, material, exact, 1), Meter(model, 320))
    said = "\n".join(turn["content"] for request in model.requests for turn in request.messages)
    known = {one.input for part in (material.train, material.validation, material.spare) for one in part}
    assert any(text in said for text in known)
    assert [one.input for one in tests if one.input in said.splitlines()] == []


@pytest.mark.parametrize("search", SEARCHES)
def test_a_model_that_is_away_ends_the_benchmark_and_is_no_result(search: peer.Any) -> None:
    def away(chat: tuple[Message, ...]) -> str:
        if next(calls) > 40:
            raise ModelUnavailable("It is down.")
        return "?"

    calls: Iterator[int] = iter(range(1000))
    with pytest.raises(ModelUnavailable):
        search(make_problem(), Meter(Scripted(away), 320))


def test_the_parts_of_a_task_share_no_question() -> None:
    material, tests = draw([*PAIRS, *PAIRS, ("FILM 1 was good", "yes")], 40, 3)
    inputs = [one.input.casefold() for one in (*material.train, *material.validation, *material.spare, *tests)]
    assert len(inputs) == len(set(inputs)) == 170
    assert draw(PAIRS, 40, 3)[1] != draw(PAIRS, 40, 4)[1]
    with pytest.raises(ValueError, match="241 questions are wanted, there are 240"):
        draw(PAIRS, 111, 1)


def test_an_answer_is_asked_once_and_counts_for_everybody(tmp_path: Path) -> None:
    model, file = Scripted(lambda chat: "yes"), tmp_path / "answers"
    remembered = RememberedAnswers(model, file)
    question = [TASK.current.request("film 1 was good")] * 2
    for _ in range(2):
        meter = Meter(remembered, 3)
        assert [one.text for one in meter.complete_many(question)] == ["yes", "yes"]
        assert meter.calls == 2
    with pytest.raises(BudgetExceeded):
        meter.complete_many(question)
    assert (meter.calls, meter.spent, remembered.asked, len(model.requests)) == (2, True, 1, 1)
    file.write_text(file.read_text() + '["cut off", "by ki')
    later = RememberedAnswers(Scripted(lambda chat: "other"), file)
    assert [one.text for one in later.complete_many(question)] == ["yes", "yes"]
    assert later.asked == 0


def test_a_refusal_is_not_remembered() -> None:
    class Refusing:
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            return [Completion("", error="too long") for _ in requests]

    remembered = RememberedAnswers(Refusing())
    for asked in (1, 2):
        assert remembered.complete_many([TASK.current.request("film")])[0].error == "too long"
        assert remembered.asked == asked


def outcome(right: int, of: int = 40, calls: int = 300) -> Outcome:
    answers = tuple(n < right for n in range(of))
    return Outcome(calls, calls, 1.5, "done", (TASK.current,), answers, right / of)


NAMES = ("current", "gepa", "gepa_own_proposer", "ours", "ours_quarter")


def result(task: str, right: Sequence[int], seed: int = 2, names: Sequence[str] = NAMES) -> TaskResult:
    return TaskResult(task, 320, dict(zip(names, map(outcome, right), strict=True)), (seed,))


def results() -> list[TaskResult]:
    figures = {"easy": (0, 10, 20, 36, 30), "even": (5, 20, 10, 20, 5), "lost": (0, 30, 0, 12, 0)}
    return [result(name, right) for name, right in figures.items()]


def test_the_report_compares_with_the_better_peer_pair_by_pair() -> None:
    found = report(results(), asked=900)
    assert [found.figures[name] for name in ("wins", "sure_wins", "not_surely_below")] == [1, 1, 2]
    easy, even, lost = found.figures["tasks"]
    assert (easy["best_peer"], even["best_peer"], lost["best_peer"]) == ("gepa_own_proposer", "gepa", "gepa")
    assert [easy[name] for name in ("task", "current", "gepa", "ours", "ours_quarter", "n", "calls")] == [
        "easy", 0, 0.25, 0.9, 0.75, 40, 320,
    ]  # fmt: skip
    assert easy["ours_minus_best_peer"]["mean"] == 0.4 and easy["ours_minus_best_peer"]["low"] > 0
    assert lost["ours_minus_best_peer"]["high"] < 0
    assert even["ours_minus_best_peer"]["p_value"] == 1
    assert found.figures["means"]["ours_quarter"] == pytest.approx((30 + 5 + 0) / 120, abs=1e-4)
    json.dumps(found.figures)


def test_seeds_are_pooled_for_each_task_and_runs_are_the_units_over_all() -> None:
    runs = [
        result("one", (0, 10, 10, 20, 10)),
        result("two", (0, 10, 10, 24, 10)),
        result("one", (0, 10, 10, 30, 10), seed=3),
        result("two", (0, 10, 10, 22, 10), seed=3),
    ]
    found = report(runs, asked=1)
    one = found.figures["tasks"][0]
    assert (one["n"], one["seeds"], one["ours"], one["calls_used"]["ours"]) == (80, [2, 3], 50 / 80, 600)
    assert len(found.figures["runs"]) == 4
    over = found.figures["over_runs"]["ours_minus_gepa"]
    assert over["mean"] == pytest.approx((10 + 14 + 20 + 12) / 160)
    assert over["low"] > 0
    assert found.rows[-1][0] == "mean of the tasks"
    assert "over 4 runs" in "\n".join(found.notes)


def test_a_run_without_a_side_can_be_printed() -> None:
    found = report([result("one", (0, 20), names=("current", "ours"))], asked=1)
    assert found.rows[0] == ["right answers, % (95 % interval)", "current", "ours", "ours - best peer"]
    assert found.rows[1][-1] == found.rows[2][-1] == "-"
    assert found.figures["tasks"][0]["ours_minus_best_peer"] is None
    assert found.figures["compared"] == 0
    json.dumps(found.figures)


def test_the_peer_may_write_as_long_as_our_own_use_of_it() -> None:
    assert peer.REFLECTION == reflecting.REFLECTION


def test_a_quarter_of_the_budget_is_a_quarter_and_the_current_prompt_costs_nothing() -> None:
    assert {side.name: side.share for side in SIDES if side.share != 1} == {"current": 0, "ours_quarter": 0.25}
    assert {side.name: side.search for side in SIDES}["ours_quarter"] is ours
    found = Side("current", 0, keep_current).search(make_problem(), Meter(Scripted(needs_examples), 0))
    assert found.prompt == TASK.current


def test_without_a_proven_gain_ours_proposes_nothing_and_says_what_it_liked() -> None:
    found = ours(make_problem(), Meter(Scripted(lambda chat: "yes" if "film 1" in chat[-1]["content"] else "?"), 320))
    assert found.prompt == TASK.current
    assert "no measurable improvement" in found.said
    assert ours(make_problem(), Meter(Scripted(needs_examples), 9)).said.startswith("The budget must be at least")


def test_every_task_reads_its_files(tmp_path: Path) -> None:
    reviews = tmp_path / "vader-reviews"
    reviews.mkdir()
    lines = ["1\t2.5\tA  film that I liked very much", "2\t0.3\tA film of which I say nothing", "3\t-3\tToo short"]
    for name in ("movie", "amazon"):
        (reviews / f"{name}ReviewSnippets_GroundTruth.txt").write_text("\n".join(lines))
    (tmp_path / "banking77").mkdir()
    (tmp_path / "banking77" / "train.csv").write_text(
        'text,category\n"Where is\nmy transfer?",pending_transfer\nI lost my phone,lost_or_stolen_phone\n'
    )
    for folder, wanted in (("instruction-induction/raw/induce", "output"), ("bbh/bbh", "target")):
        (tmp_path / folder).mkdir(parents=True)
        examples = [{"input": "What? ", wanted: "That."}]
        for task in TASKS:
            content = {"examples": examples if wanted == "target" else {"1": examples[0]}}
            (tmp_path / folder / f"{task}.json").write_text(json.dumps(content))
    found = {task.name: task.read(tmp_path) for task in TASKS.values()}
    assert found.pop("reviews") == [("A film that I liked very much", "positive")] * 2
    assert found.pop("triage") == [("Where is my transfer?", "transfer")]
    assert list(found.values()) == [[("What?", "That.")]] * 4


def test_without_the_real_texts_the_benchmark_says_so_and_starts_no_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench_prompt.Command, "measure", lambda self, quick: pytest.fail("started"))
    for folder, message in (("", "Set ALS_DATA"), (str(tmp_path), "lacks bbh/bbh/object_counting.json")):
        monkeypatch.setenv("ALS_DATA", folder)
        with pytest.raises(CommandError, match=message) as refused:
            call_command("bench_prompt", "--task", "object_counting", stdout=StringIO())
        assert refused.value.returncode == 77  # which `make bench` takes for left out
