"""The door of the behavior learner: demonstrations and corrections in, patterns and a policy update out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from learning.engines.behavior.agreement import Fit, folds_of
from learning.engines.behavior.cloning import LinearPolicy, clone
from learning.engines.behavior.corrections import (
    Correction,
    Preference,
    as_episode,
    as_preference,
)
from learning.engines.behavior.episodes import Action, Episode, State, choices_of, successes
from learning.engines.behavior.order import Order, expected_orders, forbidden_actions
from learning.engines.behavior.patterns import Mined, mine
from learning.engines.behavior.policies import Policy
from learning.engines.behavior.preconditions import Precondition, find_preconditions
from learning.engines.behavior.preference import FEWEST as FEWEST_PREFERENCES
from learning.engines.behavior.preference import prefer, score
from learning.engines.behavior.proving import base_fits, check_rules, kept_choices, prove, rules_part, worth_proving
from learning.engines.behavior.rewarded import OffPolicy, off_policy, reinforce
from learning.engines.behavior.rules import Rule, reword, rules_from
from learning.engines.behavior.strategies import IMITATION, PREFERENCE, REWARD_WEIGHTED, STRATEGIES
from learning.engines.behavior.trends import Trend, trend_of
from learning.engines.behavior.update import PolicyUpdate
from learning.engines.errors import EngineError
from learning.engines.protocols import LanguageModel, Progress

FEWEST_EPISODES = 10
FEWEST_CASES = 5


@dataclass(frozen=True, slots=True)
class Findings:
    """What demonstrations show by themselves, before anything is claimed for a policy."""

    mined: Mined
    preconditions: tuple[Precondition, ...]
    orders: tuple[Order, ...]


@dataclass(slots=True)
class BehaviorLearner:
    """Collects demonstrations and corrections; learns from all of them when asked.

    `model` words the rules; None: templates do. `progress` hears of each step and may stop the work by raising.
    """

    model: LanguageModel | None = None
    seed: int = 1
    progress: Progress | None = None
    episodes: list[Episode] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)

    def learn_from_demonstration(self, episode: Episode) -> None:
        """Take one demonstration. Raises ValueError when its key was taken before."""
        self._take([episode])

    def learn_from_demonstrations(self, episodes: Sequence[Episode], *, strategy: str = IMITATION) -> LinearPolicy:
        """Take several demonstrations and clone a policy from all by a strategy. Raises EngineError saying why not."""
        self._take(episodes)
        return self._fit(strategy, self._preferences())(self._with_corrections(self.episodes))

    def incorporate_correction(
        self,
        original_action: Action | None,
        corrected_action: Action | None,
        explanation: str,
        context: State,
        *,
        key: str = "",
        case: str = "",
    ) -> Correction:
        """Take a correction as demonstration and preference. Raises ValueError when it corrects nothing."""
        key = key or f"correction {len(self.corrections) + 1}"
        correction = Correction(key, context, original_action, corrected_action, explanation, case)
        self.corrections.append(correction)
        return correction

    def findings(self) -> Findings:
        """Patterns, preconditions and orders of all demonstrations."""
        return Findings(mine(self.episodes), find_preconditions(self.episodes), expected_orders(self.episodes))

    def trends(self) -> list[Trend]:
        """How often each kind of correction was needed, week by week; those without a time are left out."""
        dated = [one for one in self.corrections if one.at is not None]
        kinds = sorted({one.kind for one in dated})
        return [trend_of(kind, [one.at.date() for one in dated if one.at and one.kind == kind]) for kind in kinds]

    def generate_policy_update(
        self,
        examples: Sequence[Episode] | None = None,
        *,
        held_out: Sequence[Episode] | Callable[[], Sequence[Episode]] | None = None,
        strategy: str = IMITATION,
        count_earlier: Callable[[], int] = int,
    ) -> PolicyUpdate:
        """Learn from the examples (None: all taken) and prove each part on the held-out ones.

        `held_out`: episodes of other cases, or what reads them once everything is chosen; None: a fifth of the cases
        is kept back. `count_earlier`: how often others read them before, asked when they were read. Raises EngineError
        when there is too little to learn from.
        """
        learned = list(self.episodes if examples is None else examples)
        if held_out is None and learned:
            parts = folds_of(learned, 5, self.seed)
            held_out, learned = parts[0], [one for part in parts[1:] for one in part]
        _check_enough(learned)
        return self._update(learned, held_out or (), strategy, count_earlier)

    def _update(
        self,
        learned: list[Episode],
        held_out: Sequence[Episode] | Callable[[], Sequence[Episode]],
        strategy: str,
        count_earlier: Callable[[], int],
    ) -> PolicyUpdate:
        self._tell(1, "Mining patterns")
        mined = mine(learned)
        rules = self._rules(learned, mined)
        self._tell(2, "Cloning")
        taught, kept_back = self._divided_preferences()
        fits = base_fits() | {"cloned": self._fit(strategy, taught)}
        extended = self._with_corrections(learned)
        reasons = worth_proving(fits, extended, self.seed, lambda: self._tell(3, "Cross-validating"))
        policies = {name: fit(extended) for name, fit in fits.items()}
        self._tell(4, "Confirming on held-out episodes")
        tests = list(held_out() if callable(held_out) else held_out)
        _check_apart(extended, tests)
        earlier = count_earlier()
        proved = prove(policies, tests, reasons, earlier=earlier)
        checks = check_rules(rules, tests)
        part = rules_part(checks, proved.mixed or policies["none"], tests)
        cloned = policies["cloned"]
        return PolicyUpdate(
            strategy=strategy,
            rules=checks,
            demonstrations=tuple(kept_choices(extended)),
            policy=cloned if isinstance(cloned, LinearPolicy) else None,
            parts=(part, *proved.parts),
            agreement=proved.agreement,
            overall=proved.overall,
            mined=mined,
            learned=len(learned),
            held_out=len(tests),
            off_policy=_earned(cloned, learned, tests, self.seed),
            preferences=_agreed(cloned, kept_back),
            earlier_readings=earlier,
        )

    def _rules(self, learned: Sequence[Episode], mined: Mined) -> list[Rule]:
        found = rules_from(
            find_preconditions(learned),
            expected_orders(learned),
            forbidden_actions(learned, self.corrections),
            mined.separating(),
        )
        if self.model is None:
            return found
        return reword(found, self.model, seed=self.seed, tick=lambda: self._tell(1, "Wording rules"))

    def _fit(self, strategy: str, preferences: Sequence[Preference]) -> Callable[[Sequence[Episode]], LinearPolicy]:
        if strategy not in STRATEGIES:
            raise EngineError(f"There is no strategy {strategy!r}: choose from {', '.join(STRATEGIES)}.")

        def fit(episodes: Sequence[Episode]) -> LinearPolicy:
            try:
                if strategy == REWARD_WEIGHTED:
                    return reinforce(clone(choices_of(episodes)), episodes)
                imitated = clone(choices_of(successes(episodes)))
                return prefer(imitated, preferences) if strategy == PREFERENCE else imitated
            except ValueError as error:
                raise EngineError(str(error)) from error

        return fit

    def _preferences(self) -> list[Preference]:
        return [one for one in map(as_preference, self.corrections) if one]

    def _divided_preferences(self) -> tuple[list[Preference], list[Preference]]:
        """Those that are learned from, and every fifth case to see whether it helped."""
        every = self._preferences()
        cases = sorted({one.case for one in every})
        if len(every) < 2 * FEWEST_PREFERENCES:
            return every, []
        back = set(cases[::5])
        return [one for one in every if one.case not in back], [one for one in every if one.case in back]

    def _with_corrections(self, episodes: Sequence[Episode]) -> list[Episode]:
        """Demonstrations and what corrections demonstrate, except for what is held back to test preferences."""
        _, back = self._divided_preferences()
        hidden = {one.case for one in back}
        shown = [as_episode(one) for one in self.corrections if (one.case or one.key) not in hidden]
        known = {episode.case for episode in episodes}
        return [*episodes, *(one for one in shown if one and one.case not in known)]

    def _take(self, episodes: Sequence[Episode]) -> None:
        known = {one.key for one in self.episodes}
        for episode in episodes:
            if episode.key in known:
                raise ValueError(f"The demonstration {episode.key} was learned from before.")
            known.add(episode.key)
            self.episodes.append(episode)

    def _tell(self, step: int, message: str) -> None:
        if self.progress:
            self.progress(step, 4, message)


def _check_enough(learned: Sequence[Episode]) -> None:
    if len(learned) < FEWEST_EPISODES or len({one.case for one in successes(learned)}) < FEWEST_CASES:
        raise EngineError(
            f"Learning needs at least {FEWEST_EPISODES} demonstrations and {FEWEST_CASES} different cases that ended "
            f"well; there are {len(learned)} and {len({one.case for one in successes(learned)})}."
        )


def _check_apart(learned: Sequence[Episode], tests: Sequence[Episode]) -> None:
    if {one.case for one in learned} & {one.case for one in tests}:
        raise EngineError("Held-out episodes share a case with those that were learned from.")


def _earned(cloned: Policy, learned: Sequence[Episode], tests: Sequence[Episode], seed: int) -> OffPolicy | None:
    """What the policy would have earned on the held-out episodes, against a clone of all that was logged."""
    if not any(episode.reward is not None for episode in tests):
        return None
    return off_policy(cloned, clone(choices_of(learned)), tests, seed=seed)


def _agreed(cloned: Policy, preferences: Sequence[Preference]) -> tuple[int, int] | None:
    if not preferences or not isinstance(cloned, LinearPolicy):
        return None
    found = score(cloned, preferences)
    return found.agreed, found.n


__all__ = ["STRATEGIES", "BehaviorLearner", "Findings", "Fit"]
