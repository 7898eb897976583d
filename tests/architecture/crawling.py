"""A visitor who follows every link that a person is shown."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

from django.urls import Resolver404, resolve

HOST = "testserver"
LEFT_OUT = ("/static/", "/logout/")  # files of the frame; the end of the visit
AS_OFTEN = 3  # pages of one kind: the same route with the same names in the query


class Links(HTMLParser):
    """Where a page leads: its links, its forms that ask, and the parts that it fetches by itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [given["href"] or ""] if tag == "a" and "href" in given else []
        self.found += [given["action"] or ""] if given.get("method") == "get" and "action" in given else []
        self.found += [given["hx-get"] or ""] if "hx-get" in given else []


@dataclass
class Visit:
    """`routes` were seen; `broken` says which link of which page did not lead to a page."""

    routes: set[str] = field(default_factory=set)
    pages: int = 0
    broken: list[str] = field(default_factory=list)


def visit(client: Any, start: str) -> Visit:
    """Follow every link from `start`, pages of one kind a few times."""
    made, waiting = Visit(), deque([(start, "the start")])
    seen, kinds = {start}, Counter[str]()
    while waiting:
        address, source = waiting.popleft()
        for link in _open(client, address, source, made):
            target = _own(address, link)
            if target and target not in seen and kinds[_kind(target)] < AS_OFTEN:
                seen.add(target)
                kinds[_kind(target)] += 1
                waiting.append((target, address))
    return made


def _open(client: Any, address: str, source: str, made: Visit) -> list[str]:
    answer = client.get(address)
    made.pages += 1
    made.routes.add(route_of(address))
    if answer.status_code in (301, 302):
        return [answer["Location"]]
    if answer.status_code != 200:
        made.broken.append(f"{source} leads to {address}: {answer.status_code}")
    elif not answer.streaming and answer["Content-Type"].startswith("text/html"):
        return Links(answer.content.decode()).found
    return []


def _own(address: str, link: str) -> str:
    """The address of this product that a link on a page means; empty when it leads elsewhere."""
    target = urlsplit(urldefrag(urljoin(f"http://{HOST}{address}", link)).url)
    if target.netloc != HOST or target.path.startswith(LEFT_OUT):
        return ""
    return f"{target.path}?{target.query}" if target.query else target.path


def _kind(address: str) -> str:
    return f"{route_of(address)} {sorted(parse_qs(urlsplit(address).query))}"


def route_of(address: str) -> str:
    """The route that answers there; the address itself where none does."""
    try:
        return resolve(urlsplit(address).path).route
    except Resolver404:
        return address
