"""The behavior learner: from what agents and experts did to a policy that does it again. Pure.

`BehaviorLearner` is the door (learner.py); docs/behavior.md explains what it computes.
"""
