"""The client computes what the product computes."""

from __future__ import annotations

import pytest
from agent_learning.behavior import Behavior, Situation
from agent_learning.behavior import features_of as features_of_client

from learning.engines.behavior.cloning import LinearPolicy, clone
from learning.engines.behavior.episodes import State, choices_of
from learning.engines.behavior.features import features_of
from learning.engines.behavior.policies import best
from learning.engines.behavior.retrieval import DemonstrationStore
from learning.engines.behavior.update import choice_json
from tests.learning.engines.behavior.worlds import shop

CHOICES = choices_of(shop(40))
RULE = {
    "text": "Use refund only after look_up was used.",
    "check": {"kind": "after", "action": "refund", "of": "look_up"},
}


def situation(state: State) -> Situation:
    return Situation(state.request, state.observation, state.source, state.past)


def test_features_suggestions_and_demonstrations_are_those_of_the_product() -> None:
    policy = LinearPolicy.from_json(clone(CHOICES).as_json())
    store = DemonstrationStore(CHOICES)
    behavior = Behavior({"action_policy": policy.as_json(), "demonstrations": [choice_json(one) for one in CHOICES]})
    for choice in CHOICES[::7]:
        here = situation(choice.state)
        assert features_of_client(here) == pytest.approx(features_of(choice.state))
        ours = policy.probabilities([choice.state])[0]
        assert behavior.suggest(here) == pytest.approx(ours)
        assert next(iter(behavior.suggest(here))) == best(ours)
        found = [choice_json(one.choice) for one in store.nearest(choice.state, 1)]
        assert behavior.demonstrations(here, 1) == found


def test_what_a_rule_forbids_is_not_suggested() -> None:
    policy = {"actions": ["look_up", "refund"], "features": ["bias"], "weights": [[0.0], [3.0]]}
    behavior = Behavior({"action_policy": policy, "rules": [RULE]})
    before, after = Situation("money back"), Situation("money back", past=[("look_up", False)])

    assert behavior.forbids("refund", before) == RULE["text"]
    assert behavior.suggest(before) == {"look_up": 1.0}
    assert behavior.forbids("refund", after) == "" and next(iter(behavior.suggest(after))) == "refund"
    assert behavior.forbids("respond", before) == ""


def test_demonstrations_stand_between_the_system_and_the_user() -> None:
    row = {"request": "q", "observation": "q", "action": "find", "arguments": {"x": 1}}
    answer = {"request": "q", "observation": "w", "action": "respond", "arguments": {"text": "hi"}}
    behavior = Behavior({"demonstrations": [row, answer], "shown": 1})
    chat = behavior.messages([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], Situation("q"))

    assert [one["role"] for one in chat] == ["system", "user", "assistant", "user"]
    assert chat[2]["content"] == 'find({"x": 1})'


def test_a_config_without_learned_behavior_changes_nothing() -> None:
    behavior = Behavior({})
    chat = [{"role": "user", "content": "q"}]
    assert behavior.messages(chat, Situation("q")) == chat
    assert behavior.suggest(Situation("q")) == {} and behavior.forbids("a", Situation("q")) == ""
