from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from learning.embeddings import EndpointEmbedder, StaticEmbedder, default_embedder
from tests.scripted_llm import ScriptedLLM


def test_texts_that_mean_the_same_lie_closer() -> None:
    cat, kitten, tax = default_embedder().embed(["a cat sleeps", "the kitten is sleeping", "tax law of the region"])
    assert cat @ kitten > cat @ tax + 0.2


def test_vectors_have_unit_length_and_an_empty_text_has_none() -> None:
    rows = StaticEmbedder().embed(["some words", "", "more and more words here"])
    assert rows.shape == (3, 256)
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], atol=1e-5)


def test_no_text_gives_no_rows() -> None:
    assert StaticEmbedder().embed([]).shape == (0, 256)


def test_a_text_has_the_same_vector_alone_and_in_company() -> None:
    alone = StaticEmbedder().embed(["short"])[0]
    company = StaticEmbedder().embed(["short", "a much longer text " * 30])[0]
    assert np.allclose(alone, company)


def test_the_default_needs_neither_torch_nor_the_network() -> None:
    program = (
        "import socket, sys\n"
        "socket.socket.connect = None\n"
        "from learning.embeddings import default_embedder\n"
        "assert default_embedder().embed(['x']).shape == (1, 256)\n"
        "assert not {'torch', 'transformers', 'wordllama', 'openai'} & set(sys.modules), 'heavy import'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_endpoint_gives_rows_in_order_over_several_calls() -> None:
    texts = ["a", "bb", "ccc", "", "eeeee"]
    with ScriptedLLM(lambda messages: "") as server:
        rows = EndpointEmbedder(base_url=server.base_url, api_key="", model="e", dimensions=4, batch=2).embed(texts)
    assert len(server.calls) == 3
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0, 1], atol=1e-5)
    assert rows[2][0] / rows[2][1] == pytest.approx(3 / ord("c"))


def test_wrong_dimensions_are_refused() -> None:
    with ScriptedLLM(lambda messages: "") as server:
        embedder = EndpointEmbedder(base_url=server.base_url, api_key="", model="e", dimensions=7)
        with pytest.raises(ValueError, match="4 numbers, not 7"):
            embedder.embed(["x"])
