"""A request as a span of a trace (OpenTelemetry's semantic conventions for HTTP)."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.asgi import route_of
from service.request_id import this_request
from service.tracing.opening import Tracing

if TYPE_CHECKING:
    from service.tracing.recorder import Recorded


class Traced:
    """Records the requests that are sampled. The program has it only if a variable asks for traces."""

    def __init__(self, app: ASGIApp, *, tracing: Tracing) -> None:
        self._app, self._tracing = app, tracing

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        recorder = self._tracing.recorder
        if recorder is None or scope["type"] != "http":
            return self._app(scope, receive, send)
        recorded = recorder.request()
        return self._app(scope, receive, send) if recorded is None else self._recorded(recorded, scope, receive, send)

    async def _recorded(self, recorded: "Recorded", scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

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
            _end(recorded, scope, status)


def _end(recorded: "Recorded", scope: Scope, status: int) -> None:
    """Of what the caller sent, only the method is in it: httptools accepts no unknown one. A status of 0 says that the caller left."""
    method, route = scope["method"], route_of(scope)
    attributes: dict[str, str | int] = {"http.request.method": method, "muniment.request_id": str(this_request())}
    if route is not None:
        attributes["http.route"] = route
    if status:
        attributes["http.response.status_code"] = status
    failed = status >= 500
    if failed:
        attributes["error.type"] = str(status)
    recorded.end(f"{method} {route}" if route else method, attributes, failed=failed)
