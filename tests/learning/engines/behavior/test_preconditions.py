from __future__ import annotations

import random

from learning.engines.behavior.corrections import Correction
from learning.engines.behavior.episodes import Action, Episode
from learning.engines.behavior.order import Order, expected_orders, forbidden_actions, violations
from learning.engines.behavior.preconditions import AFTER, SEEN, Condition, find_preconditions, keeps
from tests.learning.engines.behavior.worlds import episode, shop, state, step


def test_what_every_success_did_before_is_a_precondition() -> None:
    found = {one.condition: one for one in find_preconditions(shop(300, careful=0.9))}

    refund = found[Condition("refund", AFTER, "look_up")]
    assert refund.kept >= 0.95 * refund.cases and refund.adjusted < 0.05
    assert refund.table.success_with > 0.8 > 0.4 > refund.table.success_without
    assert "only after look_up" in refund.condition.words


def test_what_holds_everywhere_is_no_precondition() -> None:
    episodes = [episode(str(n), "log_in", *random.Random(n).sample("abc", 3), reward=1.0) for n in range(20)]
    assert Condition("c", AFTER, "log_in") not in {one.condition for one in find_preconditions(episodes)}


def test_a_value_that_was_never_seen_breaks_the_rule_of_seen_values() -> None:
    seen = Episode("s", (step("refund", "for order 12345", order="12345"),))
    made_up = Episode("m", (step("refund", "for my order", order="12345"),))
    condition = Condition("refund", SEEN, "order")

    assert keeps(seen, condition) is True
    assert keeps(made_up, condition) is False
    assert keeps(Episode("o", (step("other"),)), condition) is None


def test_a_failed_action_does_not_count_as_done() -> None:
    steps = (step("look_up", failed=True), step("refund"))
    assert keeps(Episode("k", steps), Condition("refund", AFTER, "look_up")) is False


def test_an_order_that_successes_keep_to_is_expected_and_its_violation_found() -> None:
    episodes = [episode(str(n), "a", "b", reward=1.0) for n in range(10)] + [episode("x", "b", "a", reward=0.0)]
    orders = expected_orders(episodes)

    assert orders == (Order("a", "b", 10, 10),)
    assert [(one.place, one.rule) for one in violations(episodes[-1], orders)] == [(0, orders[0].words)]
    assert violations(episodes[0], orders) == ()


def test_an_action_that_experts_keep_replacing_is_forbidden() -> None:
    corrections = [Correction(str(n), state(), Action("delete"), Action("archive")) for n in range(3)]

    assert [one.action for one in forbidden_actions([], corrections)] == ["delete"]
    assert forbidden_actions([], corrections[:2]) == ()
    assert forbidden_actions([episode(str(n), "delete", reward=1.0) for n in range(9)], corrections) == ()
