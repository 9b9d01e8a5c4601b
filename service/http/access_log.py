"""The access log: one line for each response."""

import logging
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.asgi import route_of

log = logging.getLogger("muniment.access")


class AccessLogged:
    """Logs the method, the path of the route, the status and the milliseconds. The path that was sent may contain a secret or a name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            status = 500
            raise
        finally:
            _log(scope, status, (perf_counter() - started) * 1000)


def _log(scope: Scope, status: int, milliseconds: float) -> None:
    """A status of 0 says that the caller left before the response."""
    method, route = scope["method"], route_of(scope)
    log.info(
        "%s %s %s in %.1f ms",
        method,
        route or "(no route)",
        status,
        milliseconds,
        extra={"method": method, "route": route, "status": status, "milliseconds": round(milliseconds, 3)},
    )
