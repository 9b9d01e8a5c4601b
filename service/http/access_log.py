"""The access log: one line for each response."""

import logging
from functools import partial
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.asgi import route_of
from service.http.outcome import with_outcome

log = logging.getLogger("muniment.access")


class AccessLogged:
    """Logs the method, the path of the route, the status and the milliseconds. The path that was sent may contain a secret or a name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await with_outcome(self._app, scope, receive, send, partial(_log, perf_counter()))


def _log(started: float, scope: Scope, status: int) -> None:
    milliseconds = (perf_counter() - started) * 1000
    method, route = scope["method"], route_of(scope)
    log.info(
        "%s %s %s in %.1f ms",
        method,
        route or "(no route)",
        status,
        milliseconds,
        extra={"method": method, "route": route, "status": status, "milliseconds": round(milliseconds, 3)},
    )
