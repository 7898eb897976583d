"""Streams in batches that fit into memory: when does each rule reject?"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import numpy as np

from project.statistics_benchmark.blocks import Blocks, Numbers, first_true
from project.statistics_benchmark.rules import ALPHA, bayes, estimates, log_evidence, msprt, peeked_t, ready, rejects
from project.statistics_benchmark.worlds import PLANNED, SEED, World

LOOKS_AT_ONCE = 300_000
LOOKS = {0.03: 2000, 0.05: 900, 0.10: 300}
NULL_LOOKS = 500

Rule = Callable[[World, Blocks], Numbers]


def stops(world: World, rule: Rule, *, streams: int, looks: int, lift: float) -> Numbers:
    """Users until `rule` says that the arms differ, for each stream; inf when it never does."""
    return np.concatenate([rule(world, blocks) for blocks in batches(world, streams, looks, lift)])


def batches(world: World, streams: int, looks: int, lift: float) -> Iterator[Blocks]:
    """The same streams for the same arguments, whatever ran before."""
    key = zlib.crc32(f"{world.name}/{lift}".encode())
    rng = np.random.default_rng([SEED, key])
    size = max(LOOKS_AT_ONCE // (looks * world.weight), 1)
    for start in range(0, streams, size):
        yield world.draw(rng, min(size, streams - start), looks, lift)


def ours(world: World, blocks: Blocks) -> Numbers:
    """The confidence sequence; with several treatments Holm over the always-valid p's, about the first of them."""
    best = []
    for treatment in range(1, world.treatments + 1):
        cells = blocks.cells(treatment)
        means = estimates(cells, ratio=world.ratio)
        evidence = log_evidence(means, cells, ready(cells, binary=world.binary), planned=PLANNED)
        best.append(np.maximum.accumulate(evidence, axis=1))
    if len(best) == 1:
        return first_true(rejects(best[0]), blocks.exposed)
    strongest, weakest = np.maximum(*best), np.minimum(*best)
    some = rejects(strongest, ALPHA / 2)
    return first_true(some & (rejects(best[0], ALPHA / 2) | rejects(weakest)), blocks.exposed)


def any_of_ours(world: World, blocks: Blocks) -> Numbers:
    """The first false rejection of any arm."""
    if world.treatments == 1:
        return ours(world, blocks)
    swapped = Blocks(blocks.n[..., [0, 2, 1]], blocks.totals[:, :, [0, 2, 1]], blocks.products[:, :, [0, 2, 1]],
                     blocks.stratum, blocks.shares[..., [0, 2, 1]], blocks.delay)  # fmt: skip
    return np.minimum(ours(world, blocks), ours(world, swapped))


def by_peeked_t(world: World, blocks: Blocks) -> Numbers:
    cells = blocks.cells()
    return first_true(peeked_t(estimates(cells), cells), blocks.exposed)


def by_bayes(world: World, blocks: Blocks) -> Numbers:
    return first_true(bayes(blocks.cells()), blocks.exposed)


def by_msprt(world: World, blocks: Blocks) -> Numbers:
    cells = blocks.cells()
    return first_true(msprt(estimates(cells), cells, ready(cells, binary=world.binary)), blocks.exposed)


def pooled_t(world: World, blocks: Blocks) -> Numbers:
    """Peeked, and with the raw means of all steps of a ramp together."""
    whole = Blocks(blocks.n, blocks.totals, blocks.products, np.zeros_like(blocks.stratum), np.array([[[0.5, 0.5]]]))
    return by_peeked_t(world, whole)
