"""The ways to learn a policy from demonstrations. Pure, and cheap to import."""

from __future__ import annotations

IMITATION, PREFERENCE, REWARD_WEIGHTED = "imitation", "preference", "reward_weighted"
STRATEGIES = {
    IMITATION: "Do what was done in work that ended well.",
    PREFERENCE: "Imitate, then move towards what experts preferred in their corrections.",
    REWARD_WEIGHTED: "Move the logged behaviour towards what earned more reward.",
}
