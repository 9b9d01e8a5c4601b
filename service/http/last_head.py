"""The head of a connection's last request. Most clients send the same one again, and then its bytes are compared instead of parsed.

The parser says the same of the same bytes, where a message may begin: what is remembered is what it said.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.types import Scope

from service.http.exchange import EXCHANGE, Exchange

LONGEST = 16 * 1024
"""Of a request with its body, in bytes."""

TRIES = 4
"""After so many heads of which none came again, no more are remembered. A proxy may put a number of its own into each."""

KEPT = "muniment.kept"
"""In the scopes of all requests with the same head on one connection: what was found in it, by the function that finds it."""

Found = TypeVar("Found")

PARSED_EACH_TIME = frozenset((b"transfer-encoding", b"expect", b"upgrade"))
"""A request with one of these headers is not the bytes of a head and a body that follows at once."""


_NOTHING = object()


class LastHead:
    """One per connection. `scope` is that of a request with this head."""

    __slots__ = ("_head", "_size", "_tries", "scope")

    def __init__(self) -> None:
        self._head, self._size, self._tries = b"", 0, TRIES
        self.scope: dict[str, Any] = {}

    def body_of(self, data: bytes) -> bytes | None:
        """Return the body, if the bytes that come between two requests are exactly one with this head; None if they have to be parsed."""
        if len(data) != self._size or not data.startswith(self._head):
            return None
        self._tries = TRIES
        return data[len(self._head) :]

    def learn(self, data: bytes, exchange: Exchange) -> None:
        """Remember the head of the bytes that came between two requests. They were parsed, and `exchange` is the last request of them."""
        if not self._tries or len(data) > LONGEST or exchange.more_body or exchange.response_complete:
            return
        head = data[: len(data) - len(exchange.body)]
        is_one = head.find(b"\r\n\r\n") == len(head) - 4
        if (
            is_one
            and exchange.keep_alive
            and not any(name in PARSED_EACH_TIME for name, _ in exchange.scope["headers"])
        ):
            self._head, self._size = head, len(data)
            self._tries -= 1
            self.scope = {**exchange.scope}
            self.scope.pop(EXCHANGE, None)
            self.scope[KEPT] = {}


def once_a_head(scope: Scope, find: Callable[[Scope], Found]) -> Found:
    """Return what the function finds in a scope. It is called at most once a request, and may look at nothing but the head, the connection, and
    what never changes.
    """
    kept: dict[object, Any] | None = scope.get(KEPT)
    if kept is None:
        kept = scope[KEPT] = {}
    found = kept.get(find, _NOTHING)
    if found is _NOTHING:
        found = kept[find] = find(scope)
    return found
