"""How a budget of calls is divided between the search and the confirmation, before the first call is made."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST_TRAIN = 4
FEWEST_VALIDATION = 6
FEWEST_TEST = 10
FEWEST_CALLS = 80
# With this many calls the best plain instruction is asked about the test examples too; it decides nothing.
CALLS_FOR_PLAIN = 500
CONFIRMATION_SHARE, CONFIRMATION_SHARE_WITHOUT_PLAIN = 0.4, 0.36
# Of the planned test examples: for a gain that is plain to see (fewer would leave its size open), and for a small one.
LEAST_OF_PLANNED, MOST_OF_PLANNED = 0.5, 1.5
FEWEST_PLANNED = 14  # near-duplicates among them count as one


@dataclass(frozen=True, slots=True)
class Plan:
    """How a budget is divided before anything is known; what the race shows may move calls from one part to the other.

    `least_test_examples` where a gain is plain to see, `most_test_examples` where it is hard to show.
    `asked_per_test_example`: the current prompt, the winner, and with enough calls the best plain instruction.
    """

    test_examples: int
    least_test_examples: int
    most_test_examples: int
    race_calls: int
    asked_per_test_example: int
    calls_per_answer: int

    @property
    def kept_answers(self) -> int:
        return self.asked_per_test_example * self.test_examples


def plan_calls(
    calls: int, validation: int, test: int, rewrites: int = 0, *, calls_per_answer: int = 1, calibration: int = 0
) -> Plan:
    """Divide a budget. `calibration`: calls that a judge needs to show that it agrees with experts.

    Raises ValueError saying what is missing when no honest run is possible.
    """
    fewest = FEWEST_CALLS * calls_per_answer + rewrites + calibration
    if calls < fewest:
        raise ValueError(f"The budget must be at least {fewest} calls, not {calls}.")
    for name, have, least in (("validation", validation, FEWEST_VALIDATION), ("test", test, FEWEST_TEST)):
        if have < least:
            raise ValueError(f"At least {least} {name} examples are needed, there are {have}.")
    answers = (calls - calibration - rewrites) // calls_per_answer
    asked = 3 if answers >= CALLS_FOR_PLAIN else 2
    share = CONFIRMATION_SHARE if asked == 3 else CONFIRMATION_SHARE_WITHOUT_PLAIN
    tested = min(test, max(FEWEST_TEST, int(answers * share) // asked))
    for_race = calls - calibration - rewrites - asked * tested * calls_per_answer
    plain_to_see = min(tested, max(FEWEST_PLANNED, int(LEAST_OF_PLANNED * tested)))
    hard_to_show = min(test, int(MOST_OF_PLANNED * tested))
    return Plan(tested, plain_to_see, hard_to_show, for_race, asked, calls_per_answer)
