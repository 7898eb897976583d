"""Near-duplicate texts: MinHash signatures in bands (locality-sensitive hashing), checked by the exact similarity.

Similarity is the Jaccard index of the sets of character 4-grams. Two texts that share the hash of a band are
candidates; with BANDS bands of ROWS hashes a pair of similarity s is found with probability 1 - (1 - s^ROWS)^BANDS:
0.947 at 0.7, 0.985 at 0.75, 0.998 at 0.8. Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from learning.engines.similarity import NEAR, are_near, grams

BANDS, ROWS = 16, 5
SEED = 1
VERSION = 1  # changes with everything above and with the signature algorithm: bands of two versions do not compare


def band_hashes(texts: Sequence[str]) -> NDArray[np.int64]:
    """One hash for each text and band, shape (texts, BANDS). Two texts are candidates when any hash of a band agrees.

    The band's number is mixed in, so that hashes of different bands can stand in one index.
    """
    if not texts:
        return np.empty((0, BANDS), dtype=np.int64)
    from rensa import RMinHash

    # Sorted, since the order of a set of strings differs between processes.
    sets = [sorted(grams(text)) or [""] for text in texts]
    matrix = RMinHash.digest_matrix_from_token_sets(sets, BANDS * ROWS, SEED)
    signatures = np.asarray(matrix.to_rows(), dtype=np.uint64)
    hashes = np.empty((len(texts), BANDS), dtype=np.uint64)
    for band in range(BANDS):
        value = np.full(len(texts), np.uint64(band + 1))
        for row in range(ROWS):
            value = _mix(value ^ signatures[:, band * ROWS + row])
        hashes[:, band] = value
    return hashes.view(np.int64)


def clusters_of(count: int, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """For each of `count` texts the least number among those it is connected with through `pairs`."""
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.array([root(index) for index in range(count)], dtype=np.int64)


def find_near_duplicates(texts: Sequence[str], *, near: float = NEAR) -> list[tuple[int, int]]:
    """Pairs (lower index first) that share a band and are at least `near` similar; enough of them to make clusters.

    Among the texts that share a band each is compared with the first of them and with its neighbours, not with all: a
    million copies of one text would make half a trillion pairs.
    """
    hashes = band_hashes(texts)
    candidates: set[tuple[int, int]] = set()
    for band in range(BANDS):
        order = np.argsort(hashes[:, band], kind="stable")
        values = hashes[order, band]
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        for start, end in zip(starts, np.r_[starts[1:], len(values)], strict=True):
            members = order[start:end].tolist()
            candidates.update((members[0], other) for other in members[1:])
            candidates.update(pairwise(members))
    return sorted(pair for pair in candidates if are_near(texts[pair[0]], texts[pair[1]], near=near))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
