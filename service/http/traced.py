"""A request as a span of a trace (OpenTelemetry's semantic conventions for HTTP)."""

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.asgi import route_of
from service.http.outcome import with_outcome
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
        if recorded is None:
            return self._app(scope, receive, send)
        return with_outcome(self._app, scope, receive, send, partial(_end, recorded))


def _end(recorded: "Recorded", scope: Scope, status: int) -> None:
    """Of what the caller sent, only the method is in it: httptools accepts no unknown one."""
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
