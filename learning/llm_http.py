"""One chat completion over HTTP: sent, bounded, read with care. What comes back is never trusted to be well-formed.

httpx and not the SDK: a call costs a third of the CPU, and an answer that is too long is given up while it comes.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import httpx

from learning.engines.types import CompletionRequest
from learning.llm_answers import Answer
from learning.llm_retry import retry_after

LARGEST_ANSWER = 1_000_000  # bytes of the body
LARGEST_FAULT = 20_000  # bytes that are read of an error
LONGEST_REASON = 300  # characters
LONGEST_NAME = 200  # characters of a model's name
MOST_TOKENS = 10**9  # a server that counts more cannot count
# The request itself is at fault, so the same request would fail again and others may well succeed.
REFUSED = frozenset({400, 413, 422})
TRANSIENT = frozenset({408, 409, 425, 429})
GAVE_UP_WAITING = frozenset({504, 524})  # a gateway did, while the model behind it may have gone on


@dataclass(eq=False)
class CallFailed(Exception):
    """No usable answer. `maybe_paid`: the server may have answered, so that the call counts.

    `transient`: another try may help. `refused`: this very request is at fault, whoever sends it.
    """

    reason: str
    status: int | None = None
    retry_after: float | None = None
    transient: bool = False
    refused: bool = False
    maybe_paid: bool = False

    def __post_init__(self) -> None:
        self.reason = storable(self.reason)


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """Sends chats to an OpenAI-compatible address. `timeout` is in seconds, for one whole try."""

    base_url: str
    api_key: str
    timeout: float

    def send(self, request: CompletionRequest) -> Answer:
        """Raises CallFailed."""
        started = time.monotonic()
        body = {**request.parameters, "model": request.model, "messages": list(request.messages)}
        try:
            status, headers, content = self._exchange(body, started)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CallFailed(f"cannot connect ({_name(error)})", transient=True) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CallFailed(f"the address cannot be used ({error})") from error
        except (httpx.HTTPError, TimeoutError) as error:
            text = "no answer in time" if isinstance(error, httpx.TimeoutException | TimeoutError) else _name(error)
            raise CallFailed(text, transient=True, maybe_paid=True) from error
        except (TypeError, ValueError) as error:  # a parameter that is no JSON, a key that is no header
            raise CallFailed(f"The request cannot be sent: {error}"[:LONGEST_REASON], refused=True) from error
        if status != 200:
            raise self._fault(status, headers, content)
        return read_answer(content, time.monotonic() - started)

    def _exchange(self, body: dict[str, Any], started: float) -> tuple[int, httpx.Headers, bytes]:
        headers = {"authorization": f"Bearer {self.api_key or 'none'}", "content-type": "application/json"}
        raw = json.dumps(body, allow_nan=False).encode()
        url, patience = _parsed(f"{self.base_url}/chat/completions"), _patience(self.timeout)
        with http_client().stream("POST", url, content=raw, headers=headers, timeout=patience) as response:
            most = LARGEST_ANSWER if response.status_code == 200 else LARGEST_FAULT
            content = b""
            for part in response.iter_bytes():
                content += part
                if len(content) > most:
                    break
                if time.monotonic() - started > self.timeout:  # a server that sends a byte now and then
                    raise TimeoutError
            return response.status_code, response.headers, content

    def _fault(self, status: int, headers: httpx.Headers, content: bytes) -> CallFailed:
        reason = f"status {status}: {_message(content)}"
        if self.api_key:
            reason = reason.replace(self.api_key, "***")
        return CallFailed(
            reason[:LONGEST_REASON],
            status=status,
            retry_after=retry_after(headers),
            transient=status in TRANSIENT or status >= 500,
            refused=status in REFUSED,
            maybe_paid=status in GAVE_UP_WAITING,
        )


def read_answer(content: bytes, seconds: float) -> Answer:
    """Read the body of a completion. Raises CallFailed saying what is wrong with it; it was paid for."""
    if len(content) > LARGEST_ANSWER:
        text = f"The answer is longer than {LARGEST_ANSWER:,} bytes."
        raise CallFailed(text, status=200, refused=True, maybe_paid=True)
    try:
        body = json.loads(content)
        text = _text(body)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        begin = content[:80].decode("utf-8", "replace")
        reason = f"The answer is not a chat completion ({_name(error)}); it begins with {begin!r}."
        raise CallFailed(reason, status=200, transient=True, maybe_paid=True) from error
    usage = body.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    asked, answered = _count(counted.get("prompt_tokens")), _count(counted.get("completion_tokens"))
    model = storable(body["model"])[:LONGEST_NAME] if isinstance(body.get("model"), str) else ""
    return Answer(text, asked or None, None if text and not answered else answered, seconds, model)


@cache
def http_client() -> httpx.Client:
    """One for the process, so that connections are used again. It follows no redirect: the key goes nowhere else."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    return httpx.Client(headers={"accept": "application/json", "accept-encoding": "identity"}, limits=limits)


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    """Taken apart once: it is a tenth of what a call costs."""
    return httpx.URL(url)


@lru_cache(maxsize=64)
def _patience(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds)


def _text(body: Any) -> str:
    """The answer's text: empty where the model said nothing. Raises TypeError or LookupError for any other shape."""
    content = body["choices"][0]["message"].get("content")
    if isinstance(content, list):  # some endpoints answer in parts
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    if content is not None and not isinstance(content, str):
        raise TypeError("the content is no text")
    return storable(content or "")


def storable(text: str) -> str:
    """What PostgreSQL keeps of a text: no NUL, and nobody keeps half a character."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MOST_TOKENS else None


def _message(content: bytes) -> str:
    """What an error says about itself: OpenAI's shape, or its first words."""
    try:
        error = json.loads(content)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, TypeError, LookupError, RecursionError):
        return " ".join(content[:LONGEST_REASON].decode("utf-8", "replace").split()) or "no reason given"


def _name(error: BaseException) -> str:
    return type(error).__name__
