"""How many near-duplicates clustering finds among real texts, what it takes for some, and whether splits leak."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from learning.engines.similarity import grams, similarity
from learning.models import Agent, DatasetExample, ExampleType, LearningExample, ReviewStatus, SourceType
from learning.services.preparation import prepare_all
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from organizations.scope import organization_scope
from project.dataset_benchmark import real_texts

Pair = tuple[int, int]


@dataclass(frozen=True)
class Duplicates:
    """Shares 0-1 of pairs of texts, and what got through.

    recall: pairs of a real text and a small change of it (`EDITS`) that share a cluster. precision: pairs that share a
    cluster and are such a pair, or near by their definition compared one by one. edited_recall: sentences and what
    somebody made of them, whatever they changed. near_recall: all near pairs, compared one by one, that share a
    cluster. leaks: clusters or inputs in two splits. near_across: near pairs in two splits that clustering overlooked.
    """

    texts: int
    planted: int
    recall: float
    precision: float
    edited: int
    edited_recall: float
    near: int
    near_recall: float
    leaks: int
    near_across: int


def measure(organization_id: UUID, bases: int) -> Duplicates:
    """Cluster and publish `bases` real texts, a third with changed copies, in three versions as they come."""
    draw = random.Random(5)
    texts, planted = plant(_bases(draw, bases), draw)
    revised = draw.sample(real_texts.edits(), min(bases // 4, 1_000))
    edited = [(len(texts) + 2 * n, len(texts) + 2 * n + 1) for n in range(len(revised))]
    texts += [sentence for pair in revised for sentence in pair]
    with organization_scope(organization_id):
        agent = Agent.objects.create(external_id="near", name="Near")
        split_of, cluster_of = _publish_as_they_come(agent, texts, draw)
        leaks = _leaks(agent)
    near = set(near_pairs(texts))
    together = _together(cluster_of)
    right = together & (near | set(planted) | set(edited))
    across = [pair for pair in near if len({split_of[one] for one in pair if one in split_of}) == 2]
    return Duplicates(
        len(texts), len(planted), _share(planted, together), len(right) / len(together),
        len(edited), _share(edited, together), len(near), _share(near, together), leaks, len(across),
    )  # fmt: skip


def plant(bases: Sequence[str], draw: random.Random) -> tuple[list[str], list[Pair]]:
    """The texts with small changes of a third of them, and which pairs of places belong together."""
    texts, pairs = list(bases), list[Pair]()
    for place in range(0, len(bases), 3):
        changed = [edit(bases[place], draw) for edit in draw.sample(EDITS, draw.randint(1, 2))]
        pairs += combinations([place, *range(len(texts), len(texts) + len(changed))], 2)
        texts += changed
    return texts, pairs


def near_pairs(texts: Sequence[str]) -> Iterable[Pair]:
    """Every pair that is near by definition, found without the hashes that clustering uses.

    Two sets that are 0.7 alike share a gram among the rarest 30 % of either (prefix filter: Chaudhuri et al. 2006).
    """
    sets = [grams(text) for text in texts]
    seen = Counter(gram for grams_of in sets for gram in grams_of)
    holders: dict[str, list[int]] = defaultdict(list)
    candidates: set[Pair] = set()
    for place, of_text in enumerate(sets):
        rare = sorted(of_text, key=lambda gram: (seen[gram], gram))[: len(of_text) - int(0.7 * len(of_text)) + 1]
        for gram in rare:
            candidates.update((other, place) for other in holders[gram])
            holders[gram].append(place)
    return [(one, other) for one, other in candidates if similarity(sets[one], sets[other]) >= 0.7]


def _bases(draw: random.Random, number: int) -> list[str]:
    texts = [text for text in real_texts.questions() + real_texts.reviews() if len(text) >= real_texts.LONG_ENOUGH]
    return draw.sample(texts, min(number, len(texts)))


def _publish_as_they_come(
    agent: Agent, texts: Sequence[str], draw: random.Random
) -> tuple[dict[int, str], dict[int, str]]:
    """Split and cluster by place, after three thirds came in random order, each followed by a version."""
    order = draw.sample(range(len(texts)), len(texts))
    dataset = create_dataset(name="Near", agent=agent)
    for third in range(3):
        LearningExample.objects.bulk_create(
            LearningExample(
                agent=agent, external_id=str(place), example_type=ExampleType.CORRECTION, input_text=texts[place],
                expected_output=f"answer {place}", review_status=ReviewStatus.APPROVED, source_type=SourceType.IMPORT,
            )
            for place in order[third::3]
        )  # fmt: skip
        prepare_all(waiting=LearningExample.objects.filter(agent=agent))
        publish_version(dataset=dataset)
    examples = LearningExample.objects.filter(agent=agent).values_list("external_id", "id", "cluster_key")
    splits = dict(DatasetExample.objects.values_list("example_id", "split"))
    rows = [(int(external), pk, key) for external, pk, key in examples]
    return {place: splits[pk] for place, pk, _ in rows if pk in splits}, {place: key for place, _, key in rows}


def _leaks(agent: Agent) -> int:
    """Clusters, and inputs, that are in more than one split of any version."""
    items = DatasetExample.objects.filter(version__dataset__agent=agent)
    rows = set(items.values_list("cluster_key", "split")) | {
        (" ".join(text.casefold().split()), split) for text, split in items.values_list("input_text", "split")
    }
    splits = Counter(name for name, _ in rows)
    return sum(number > 1 for number in splits.values())


def _together(cluster_of: dict[int, str]) -> set[Pair]:
    members: dict[str, list[int]] = defaultdict(list)
    for place in sorted(cluster_of):
        members[cluster_of[place]].append(place)
    return {pair for places in members.values() for pair in combinations(places, 2)}


def _share(pairs: Iterable[Pair], together: set[Pair]) -> float:
    found = [pair in together for pair in pairs]
    return sum(found) / len(found)


def _typo(text: str, draw: random.Random) -> str:
    place = draw.randrange(1, len(text) - 2)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _word_less(text: str, draw: random.Random) -> str:
    words = text.split()
    del words[draw.randrange(len(words))]
    return " ".join(words)


EDITS: list[Callable[[str, random.Random], str]] = [
    _typo,
    _word_less,
    lambda text, _: text.upper(),
    lambda text, _: text.rstrip(".?!") + "!!",
    lambda text, _: f"Hi, {text}",
    lambda text, _: f"{text} Thanks.",
]
