"""Takes items to the server in batches and says what became of each."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import httpx

from agent_learning.errors import Unreachable
from agent_learning.transport import Call, Transport, refusal

log = logging.getLogger("agent_learning")
Kind = Literal["executions", "feedback", "exposures"]
KINDS: tuple[Kind, ...] = ("executions", "feedback", "exposures")  # executions first, so that feedback finds them
MOST_BYTES = 4_000_000  # of one request; the server takes 5 MB
TRIES_UNDIVIDED = 6  # a batch that makes the server fail is halved after so many tries, some ten seconds
TOO_MUCH = {400, 413, 422}  # the server does not want this body, now or later


class Item(NamedTuple):
    """One execution, piece of feedback or exposure, as the JSON that is sent."""

    kind: Kind
    body: bytes


@dataclass(frozen=True)
class Delivery:
    """What became of a batch. `halve`: the server cannot take it as a whole. `again`: nothing is known, come back."""

    stored: int = 0
    refused: int = 0
    halve: bool = False
    again: httpx.Response | httpx.TransportError | None = None
    problem: str = ""


class Courier:
    """Sends one batch, once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def deliver(self, kind: Kind, items: Sequence[Item], attempt: int) -> Delivery:
        """`attempt` counts from 0 for the same items. Never raises."""
        content = b'{"items":[' + b",".join(item.body for item in items) + b"]}"
        try:
            response = self._transport.answer(Call("POST", f"{kind}/batch", content=content), tries=1)
        except Unreachable as error:
            cause = error.__cause__
            return Delivery(again=cause if isinstance(cause, httpx.TransportError) else None, problem=str(error))
        if response.status_code == 200:
            return _counted(items, response)
        told = str(refusal(response))
        if response.status_code in TOO_MUCH or (response.status_code == 500 and attempt + 1 >= TRIES_UNDIVIDED):
            return Delivery(halve=True, problem=told)
        return Delivery(again=response, problem=told)


def chunks(items: Sequence[Item]) -> Iterator[tuple[Kind, list[Item]]]:
    """The items by kind, each chunk small enough for one request."""
    for kind in KINDS:
        chunk: list[Item] = []
        size = 0
        for item in items:
            if item.kind != kind:
                continue
            if chunk and size + len(item.body) > MOST_BYTES:
                yield kind, chunk
                chunk, size = [], 0
            chunk.append(item)
            size += len(item.body) + 1
        if chunk:
            yield kind, chunk


def _counted(items: Sequence[Item], response: httpx.Response) -> Delivery:
    try:
        results: list[dict[str, Any]] = response.json()["results"]
    except (ValueError, KeyError, TypeError):
        return Delivery(again=response, problem="The answer is not one of the product; is this its address?")
    refused = [result for result in results if result.get("status") != 201]
    for result in refused[:5]:
        log.warning("The server refused an item: %s", json.dumps(result.get("errors", result))[:500])
    return Delivery(stored=len(items) - len(refused), refused=len(refused))
