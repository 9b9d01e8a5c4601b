"""Each response is counted, with the seconds until it began, under the template of its route: a path may have a secret or a name in it."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.exchange import EXCHANGE, Exchange
from service.metrics.process import RouteMetrics

MEASURED = "muniment.measured"
"""In the scope of a request whose response is counted as that of a route."""


class _Response:
    """Sends a response, and counts it when it begins: a stream may have no end, and a client may read slowly."""

    __slots__ = ("_begun", "_method", "_route", "_send", "is_begun")

    def __init__(self, send: Send, method: str, route: RouteMetrics) -> None:
        self._send, self._method, self._route = send, method, route
        self._begun, self.is_begun = time.perf_counter(), False

    def __call__(self, message: Message) -> object:
        if message["type"] == "http.response.start":
            self.begin(message["status"])
        return self._send(message)

    def begin(self, status: int) -> None:
        self.is_begun = True
        self._route.answered(self._method, status, time.perf_counter() - self._begun)


class Measured:
    """The application of a route. A request with `inner` in its scope is made within the process, by a page, and is not counted."""

    def __init__(self, app: ASGIApp, route: RouteMetrics, *, inner: str) -> None:
        self._app, self._route, self._inner = app, route, inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._inner in scope:
            await self._app(scope, receive, send)
            return
        scope[MEASURED] = True
        response = _Response(send, scope["method"], self._route)
        exchange: Exchange | None = scope.get(EXCHANGE)
        try:
            await self._app(scope, receive, response)  # pyright: ignore[reportArgumentType] - what it returns is what send returns
        except Exception:
            if not response.is_begun:  # the application responds to it, outside of its routes
                response.begin(_sent(exchange) or 500)
            raise
        if (sent := _sent(exchange)) is not None:
            response.begin(sent)


def _sent(exchange: Exchange | None) -> int | None:
    """Return the status of a response that was sent whole."""
    return None if exchange is None else exchange.sent
