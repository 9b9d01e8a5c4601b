"""Asks a running service over HTTP, one request at a time over one connection, and takes the time of each."""

import http.client
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from msgspec import Struct

from tests.bench.history.figures import Figure, milliseconds
from tests.bench.machine import Failed
from tests.bench.peers import Peer

PATIENCE_SECONDS = 120
IDLE_SECONDS = 30
"""After so long without a request a new connection is opened, for the service closes one that is idle."""

LEAST = 3
"""A figure is of so many requests at least, if there is any time for it."""

DEEP = 50
"""The most pages that one figure goes through."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_next = re.compile(r'<https?://[^/]+([^>]+)>; rel="next"').search


class Answer(Struct, frozen=True, kw_only=True):
    seconds: float
    body: bytes
    next: str | None
    """The path of the next page."""


class Asker:
    """An auditor of the service. `seconds` are what one figure takes, unless the least requests take longer."""

    def __init__(self, peer: Peer, seconds: float) -> None:
        self.peer, self.seconds = peer, seconds
        self._least = LEAST if seconds else 1
        self._last: Answer | None = None
        self._answered = 0.0
        self._connection = http.client.HTTPConnection(*peer.server.address, timeout=PATIENCE_SECONDS)
        self._headers = {"Authorization": f"Bearer {peer.bearer}"}

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        """Raises Failed if the answer is no success."""
        if time.monotonic() - self._answered > IDLE_SECONDS:
            self._connection.close()
        begun = time.perf_counter()
        self._connection.request(method, path, body, {**self._headers, **headers})
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - begun
        self._answered = time.monotonic()
        if not 200 <= response.status < 300:
            raise Failed(f"{method} {path}: {response.status} {content.decode(errors='replace')[:500]}")
        following = _next(response.headers.get("Link", ""))
        return Answer(seconds=seconds, body=content, next=following and following[1])

    def figure(self, what: str, paths: Iterable[str], bound: float | None = None) -> Figure:
        """Asks for each of these, or as many as there is time for; `bound` is in milliseconds. The figure says how many."""
        return self._figure(what, paths, bound)

    def pages(self, what: str, path: str, bound: float | None = None) -> Figure:
        """Goes from page to page, DEEP of them, or to the last one."""
        return self._figure(what, self._following(path), bound)

    def _figure(self, what: str, paths: Iterable[str], bound: float | None) -> Figure:
        before = self.peer.server.cpu_seconds()
        taken = [answer.seconds for answer in self._answers(paths)]
        cpu = (self.peer.server.cpu_seconds() - before) / len(taken) * 1e3
        return milliseconds(what, taken, bound).__replace__(cpu=cpu)

    def _answers(self, paths: Iterable[str]) -> Iterator[Answer]:
        until = time.monotonic() + self.seconds
        for number, path in enumerate(paths, 1):
            self._last = self.get(path)
            yield self._last
            if number >= self._least and time.monotonic() > until:
                return

    def _following(self, path: str) -> Iterator[str]:
        following: str | None = path
        for _ in range(DEEP):
            if following is None:
                return
            yield following
            following = None if self._last is None else self._last.next

    def close(self) -> None:
        self._connection.close()


def at(path: str, **query: object) -> str:
    return f"{path}?{urlencode({name: str(value) for name, value in query.items()})}"
