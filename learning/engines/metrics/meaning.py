"""How near the meanings of two texts are, by an embedder. Pure."""

from __future__ import annotations

from learning.engines.protocols import Embedder

REMEMBERED = 4_096  # texts


class EmbeddingSimilarity:
    """Cosine of the two vectors, cut at 0. Equal texts get 1 and two empty ones too; one empty text gets 0."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, tuple[float, ...]] = {}

    def __call__(self, output: str, expected: str, /) -> float:
        got, wanted = output.strip(), expected.strip()
        if got == wanted:
            return 1.0
        if not got or not wanted:
            return 0.0
        ours, theirs = self._vectors(got, wanted)
        return min(1.0, max(0.0, sum(one * other for one, other in zip(ours, theirs, strict=True))))

    def _vectors(self, *texts: str) -> list[tuple[float, ...]]:
        fresh = [text for text in texts if text not in self._known]
        if len(self._known) > REMEMBERED:
            self._known.clear()
            fresh = list(texts)
        if fresh:
            rows = self._embedder.embed(fresh)
            self._known.update(zip(fresh, (tuple(map(float, row)) for row in rows), strict=True))
        return [self._known[text] for text in texts]
