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
CALLS_PER_VALIDATION_EXAMPLE = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """How a budget is divided. Calls kept back for the confirmation cannot be used up by the search.

    `asked_per_test_example`: the current prompt, the winner, and with enough calls the best plain instruction.
    """

    test_examples: int
    race_calls: int
    validation_examples: int
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
    answers = (calls - calibration) // calls_per_answer
    asked = 3 if answers >= CALLS_FOR_PLAIN else 2
    share = CONFIRMATION_SHARE if asked == 3 else CONFIRMATION_SHARE_WITHOUT_PLAIN
    tested = min(test, max(FEWEST_TEST, int(answers * share) // asked))
    for_race = calls - calibration - rewrites - asked * tested * calls_per_answer
    used = min(validation, max(FEWEST_VALIDATION, for_race // calls_per_answer // CALLS_PER_VALIDATION_EXAMPLE))
    return Plan(tested, for_race, used, asked, calls_per_answer)
