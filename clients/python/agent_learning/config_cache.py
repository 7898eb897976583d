"""The agent configs that this process has seen: fresh ones save a request, old ones serve while the server is away."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote
from weakref import WeakValueDictionary

import httpx

from agent_learning.configs import AgentConfig
from agent_learning.errors import Unreachable
from agent_learning.forks import begin_anew_in_child
from agent_learning.transport import Call, decode, refusal

MOST_USERS = 10_000
AWAY = 5.0  # seconds until a server that did not answer is asked again
UNTREATED = ("", "control")


@dataclass(frozen=True)
class Asked:
    """Whose config. `expose` counts the user as having seen it."""

    agent: str
    user_id: str
    expose: bool = False
    session_id: str = ""
    execution_id: str = ""


@dataclass
class Entry:
    config: AgentConfig
    etag: str
    until: float  # on the monotonic clock: fresh before, stale after


class ConfigCache:
    """`ttl`: seconds for which a config is given again without asking."""

    def __init__(self, ttl: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl, self._clock = ttl, clock
        self._entries: OrderedDict[Asked, Entry] = OrderedDict()
        self._safe: dict[str, AgentConfig] = {}  # by agent: the last one that was no experiment's treatment
        self._newest: WeakValueDictionary[str, AgentConfig] = WeakValueDictionary()  # by the id of the config
        self._away_until = float("-inf")
        self.begin_anew()
        begin_anew_in_child(self)

    def begin_anew(self) -> None:
        self._lock = threading.Lock()

    def fresh(self, asked: Asked) -> AgentConfig | None:
        """What need not be asked for again. A server that is away is not asked either, if there is anything."""
        with self._lock:
            entry = self._entries.get(asked)
            if entry is not None and self._clock() < entry.until:
                return entry.config
            return self._last_known(asked) if self._clock() < self._away_until else None

    def stale(self, asked: Asked) -> AgentConfig | None:
        """What this user got last, however long ago."""
        with self._lock:
            entry = self._entries.get(asked)
            return entry.config if entry else None

    def last_known(self, asked: Asked) -> AgentConfig | None:
        """What this user got last, or else what the agent's users outside of experiments did."""
        with self._lock:
            return self._last_known(asked)

    def call(self, asked: Asked) -> Call:
        named = {"user_id": asked.user_id, "session_id": asked.session_id, "execution_id": asked.execution_id}
        params: dict[str, str | int] = {name: value for name, value in named.items() if value}
        if asked.expose:
            params["expose"] = "true"
        with self._lock:
            entry = self._entries.get(asked)
        headers = {"If-None-Match": entry.etag} if entry and entry.etag else {}
        return Call("GET", f"agents/{quote(asked.agent, safe='')}/config", params=params, headers=headers)

    def keep(self, asked: Asked, response: httpx.Response) -> AgentConfig:
        """The config of an answer. Raises Refused; Unreachable for an answer of a server in trouble."""
        with self._lock:
            entry = self._entries.get(asked)
        if response.status_code == 304 and entry is not None:
            config, etag = entry.config, entry.etag
        elif response.status_code == 429 or response.status_code >= 500:
            raise Unreachable(str(refusal(response)))
        else:
            config, etag = AgentConfig.from_answer(decode(response)), response.headers.get("ETag", "")
        with self._lock:
            config = self._sharing(config)
            self._entries[asked] = Entry(config, etag, self._clock() + self._ttl)
            self._entries.move_to_end(asked)
            if len(self._entries) > MOST_USERS:
                self._entries.popitem(last=False)
            if config.variant in UNTREATED:
                self._safe[asked.agent] = config
            self._away_until = float("-inf")
        return config

    def _sharing(self, config: AgentConfig) -> AgentConfig:
        """With the very list of examples that other users of this config have: it may be long, and users many."""
        known, examples = self._newest.get(config.id), config.content.get("examples")
        theirs = known.content.get("examples") if known else None
        if examples and theirs is not examples and theirs == examples:
            config = replace(config, content=config.content | {"examples": theirs})
        self._newest[config.id] = config
        return config

    def fall_back(self, asked: Asked, error: Unreachable, default: AgentConfig | None) -> AgentConfig:
        """What to serve while the server is away: the last known config or `default`. Raises the error without one."""
        self.set_aside()
        known = self.last_known(asked) or default
        if known is None:
            raise error
        return known

    def set_aside(self) -> None:
        """The server did not answer: leave it alone for a while."""
        with self._lock:
            self._away_until = self._clock() + AWAY

    def _last_known(self, asked: Asked) -> AgentConfig | None:
        """Another user's config is given without its variant: this user was never assigned."""
        entry = self._entries.get(asked) or self._entries.get(replace(asked, expose=not asked.expose))
        if entry is not None:
            return entry.config
        safe = self._safe.get(asked.agent)
        return replace(safe, variant="", experiment_id=None) if safe else None
