"""The race: all variants answer the same validation examples in the same order, and the promising ones answer more.

A round's calls go to the leader and to those rivals from whose further answers most is to be expected (the expected
improvement over the leader: Qin, Klabjan and Russo, "Improving the expected improvement algorithm", 2017). What is
surely worse leaves for good (elimination.py). What is merely not promising waits, and may come back.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from learning.engines.prompt.beliefs import Beliefs, believe
from learning.engines.prompt.elimination import is_worse
from learning.engines.prompt.evaluation import Answer, Evaluator, Question
from learning.engines.prompt.goals import second_score
from learning.engines.prompt.output_form import OutputForm
from learning.engines.prompt.results import Standing, Variant
from learning.engines.types import Example

MOST_SIDE_BY_SIDE = 6
STEP = 2  # examples that a variant answers more before the round looks who is next
NOTHING_TO_GAIN = 0.0005  # of a point from 0 to 1: what another answer is still worth, on average


@dataclass(slots=True)
class Runner:
    """A variant in the race and its answers to the first so many questions."""

    variant: Variant
    answers: list[Answer] = field(default_factory=list)
    out: bool = False

    @property
    def scores(self) -> list[float]:
        return [answer.score for answer in self.answers]

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.answers) if self.answers else 0.0


class Race:
    """Who answered what, and who goes on. `repeats`: how often an example may be asked where answers vary.

    A repeat tells less than a new example, so repeats begin where the examples end. `planned`: how many variants are
    likely to race in the end. `head_start`: see believe().
    """

    def __init__(
        self,
        evaluator: Evaluator,
        examples: Sequence[Example],
        *,
        form: OutputForm,
        goals: Sequence[str],
        repeats: int = 1,
        head_start: float = 0.0,
    ) -> None:
        self._evaluator = evaluator
        self._examples = len(examples)
        self.asked = [(example, repeat) for repeat in range(repeats) for example in examples]
        self._form = form
        self._goals = goals
        self._head_start = head_start
        self.runners: list[Runner] = []
        self.planned = 0
        self._believed: tuple[tuple[int, int], Beliefs] | None = None  # the last beliefs, and after how many answers

    @property
    def questions(self) -> int:
        return len(self.asked)

    @property
    def field(self) -> list[int]:
        """The places of those that are still in the race."""
        return [place for place, one in enumerate(self.runners) if not one.out]

    def enter(self, variants: Sequence[Variant]) -> list[int]:
        """Take up variants, each once. Gives their places, also of those that were there already."""
        known = {one.variant.prompt.digest: place for place, one in enumerate(self.runners)}
        for variant in variants:
            if variant.prompt.digest not in known:
                known[variant.prompt.digest] = len(self.runners)
                self.runners.append(Runner(variant))
        return list(dict.fromkeys(known[variant.prompt.digest] for variant in variants))

    def beliefs(self, more: Sequence[Variant] = ()) -> Beliefs:
        """About all runners in their order, then about variants that were never asked."""
        state = (len(self.runners), sum(len(one.answers) for one in self.runners))
        if not more and self._believed is not None and self._believed[0] == state:
            return self._believed[1]
        prompts = [one.variant.prompt for one in self.runners] + [one.prompt for one in more]
        scores = [one.scores for one in self.runners] + [[] for _ in more]
        beliefs = believe(prompts, scores, self._head_start)
        if not more:
            self._believed = (state, beliefs)
        return beliefs

    def leader(self, beliefs: Beliefs | None = None) -> int:
        """The place of the one that is believed to be best; of equals the one that came first."""
        beliefs = beliefs or self.beliefs()
        return max(self.field, key=lambda place: (round(beliefs.mean[place], 9), -place))

    def advance(self, steps: dict[int, int], message: str) -> None:
        """Let runners answer so many more questions each, all in one go."""
        asked: list[tuple[int, Question]] = []
        for place, count in steps.items():
            runner = self.runners[place]
            first = len(runner.answers)
            asked += [
                (place, Question(runner.variant.prompt, example, repeat))
                for example, repeat in self.asked[first : first + count]
            ]
        answers = self._evaluator.score_all([question for _, question in asked], message)
        for (place, _), answer in zip(asked, answers, strict=True):
            self.runners[place].answers.append(answer)

    def plan_round(self, answers: int, beliefs: Beliefs) -> dict[int, int]:
        """Who answers how many more questions in a round of so many answers.

        Empty when nothing is to be gained, or when the leader and all who might be better have answered everything.
        """
        leader = self.leader(beliefs)
        gains = {place: beliefs.expected_gain(place, leader) for place in self.field if place != leader}
        worth = [place for place, gain in gains.items() if gain >= NOTHING_TO_GAIN]
        rivals = sorted(worth, key=lambda place: (-gains[place], place))
        if not rivals:
            return {}
        wide = min(MOST_SIDE_BY_SIDE, max(2, answers // (2 * STEP)))
        steps: dict[int, int] = {}
        left = answers
        # The best rivals stay level with the leader; the rest of the round goes to whoever is behind. Who has answered
        # everything makes room for the next one.
        able = [place for place in (leader, *rivals) if len(self.runners[place].answers) < self.questions]
        running, waiting = able[:wide], able[wide:]
        while left > 0 and running:
            behind = min(running, key=lambda place: len(self.runners[place].answers) + steps.get(place, 0))
            room = self.questions - len(self.runners[behind].answers) - steps.get(behind, 0)
            more = min(STEP, room, left)
            steps[behind] = steps.get(behind, 0) + more
            left -= more
            if more == room:
                running.remove(behind)
                running += waiting[:1]
                del waiting[:1]
        return steps

    @property
    def is_won(self) -> bool:
        """Whether the leader answered every question, and each of them right: no other can be better."""
        leader = self.runners[self.leader()]
        return len(leader.answers) == self.questions and leader.mean >= 1

    def drop_the_worse(self) -> list[int]:
        """Take those out that are surely worse than the leader; gives their places."""
        leader, once = self.runners[self.leader()], self._examples  # repeats are not independent of the first answers
        rivals = max(self.planned, len(self.runners)) - 1
        worse = [
            place
            for place in self.field
            if self.runners[place] is not leader
            and is_worse(leader.scores[:once], self.runners[place].scores[:once], rivals)
        ]
        for place in worse:
            self.runners[place].out = True
        return worse

    def standings(self) -> list[Standing]:
        """Every variant's standing, the believed best first. Those that answered too little cannot lead."""
        beliefs = self.beliefs()
        most = max(len(one.answers) for one in self.runners)
        ordered = sorted(
            range(len(self.runners)),
            key=lambda place: (
                self.runners[place].out,
                2 * len(self.runners[place].answers) < most,
                -round(beliefs.mean[place], 2),
                -self._second(place),
                self.runners[place].variant.prompt.nearest > 0,  # of equals the simpler one, with one beginning for all
                _length(self.runners[place].variant),
            ),
        )
        return [self._standing(place, beliefs) for place in ordered]

    def gain_over(self, place: int, other: int) -> float:
        """Mean difference in score on the questions that both answered; 0 without any."""
        pairs = list(zip(self.runners[place].scores, self.runners[other].scores, strict=False))
        return sum(one - two for one, two in pairs) / len(pairs) if pairs else 0.0

    def _second(self, place: int) -> float:
        answers = self.runners[place].answers
        scores = [second_score(self._goals, one.output, one.example.expected, self._form) for one in answers]
        return round(sum(scores) / len(scores), 2) if scores else 0.0

    def _standing(self, place: int, beliefs: Beliefs) -> Standing:
        runner = self.runners[place]
        n = len(runner.answers)
        return Standing(
            variant=runner.variant,
            n=n,
            mean=runner.mean if n else None,
            second_mean=self._second(place) if n else None,
            believed=min(1.0, max(0.0, beliefs.mean[place])),
            calls=n * self._evaluator.calls_per_answer,
            dropped=runner.out,
        )


def in_race_order(examples: Sequence[Example], form: OutputForm, rng: random.Random) -> list[Example]:
    """Shuffled, with each label as often among the first few as among all, so that any beginning is a fair sample."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in rng.sample(list(examples), len(examples)):
        groups[example.expected.strip() if form.labels else ""].append(example)
    turns = [
        ((place + 0.5) / len(group), label, one) for label, group in groups.items() for place, one in enumerate(group)
    ]
    return [one for _, _, one in sorted(turns, key=lambda turn: turn[:2])]


def _length(variant: Variant) -> float:
    """Of what a question is asked with, in characters; of chosen examples their mean."""
    prompt = variant.prompt
    each = sum(len(one.input) + len(one.output) for one in prompt.examples) / max(1, len(prompt.examples))
    return len(prompt.system_prompt) + prompt.shown_count * each
