"""Vectors for texts. The default needs no torch, no key and no network: static word vectors from a package."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from learning.engines.protocols import Embedder
from learning.llm import open_client

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from learning.engines.protocols import Vectors

STATIC_NAME = "wordllama-l2-supercat-256"
STATIC_DIMENSIONS = 256
WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
LONGEST_TEXT = 20_000


class StaticEmbedder:
    """Mean of word-piece vectors (256 numbers, unit length). Loads 16 MB at the first use; never downloads.

    Only the data files of the package are read: importing it would change the logging of the whole process.
    """

    name = STATIC_NAME
    dimensions = STATIC_DIMENSIONS

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. Texts are cut at 20,000 characters."""
        tokenizer, table = _static_model()
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        encoded = tokenizer.encode_batch([text[:LONGEST_TEXT] for text in texts], add_special_tokens=False)
        for row, encoding in zip(rows, encoded, strict=True):
            if encoding.ids:
                row[:] = table[encoding.ids].mean(axis=0)
        return to_unit_length(rows)


class EndpointEmbedder:
    """Vectors from an OpenAI-compatible address. `batch` texts go into one call; `timeout` in seconds."""

    def __init__(
        self, *, base_url: str, api_key: str, model: str, dimensions: int, batch: int = 64, timeout: float = 60.0
    ) -> None:
        self.name = model
        self.dimensions = dimensions
        self._client = open_client(base_url, api_key).with_options(max_retries=3, timeout=timeout)
        self._batch = batch

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. Raises ValueError when the vectors do not have the promised dimensions."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), self._batch):
            # An empty text is refused by most servers; its row is zeroed below.
            part = [text or " " for text in texts[start : start + self._batch]]
            answer = self._client.embeddings.create(model=self.name, input=part)
            for item in answer.data:
                if len(item.embedding) != self.dimensions:
                    raise ValueError(f"{self.name} gives {len(item.embedding)} numbers, not {self.dimensions}.")
                rows[start + item.index] = item.embedding
        rows[[not text.strip() for text in texts]] = 0
        return to_unit_length(rows)


def default_embedder() -> Embedder:
    """The embedder that always works."""
    return StaticEmbedder()


def to_unit_length(rows: Vectors) -> Vectors:
    """Divide each row by its length; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return units


@lru_cache(maxsize=1)
def _static_model() -> tuple[Tokenizer, Vectors]:
    from safetensors import safe_open
    from tokenizers import Tokenizer

    folder = _package_folder("wordllama")
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with safe_open(folder / WEIGHTS, framework="np") as weights:
        table = weights.get_tensor("embedding.weight").astype(np.float32)
    return tokenizer, table


def _package_folder(name: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"The package {name} is not installed.")
    return Path(spec.submodule_search_locations[0])
