"""Scripts and styles travel compressed; pages and the API do not."""

from __future__ import annotations

import gzip
from typing import Any

from django.contrib.staticfiles import finders

SCRIPT = "js/agent-feedback.js"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_script_is_sent_compressed_to_who_takes_it(client: Any) -> None:
    response = client.get(f"/static/{SCRIPT}", headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip" and "Accept-Encoding" in response["Vary"]
    with open(finders.find(SCRIPT), "rb") as file:
        assert gzip.decompress(body(response)) == file.read()


def test_who_takes_no_compression_gets_the_script_as_it_is(client: Any) -> None:
    response = client.get(f"/static/{SCRIPT}")
    assert "Content-Encoding" not in response and body(response).startswith(b"/")


def test_a_page_is_not_compressed(db: None, client: Any) -> None:
    response = client.get("/login/", headers={"accept-encoding": "gzip"})
    assert response.status_code == 200 and "Content-Encoding" not in response
