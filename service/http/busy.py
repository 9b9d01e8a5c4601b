"""The busiest paths, found without Starlette: one or two looks at a table instead of its middleware and its routes."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service import request_id
from service.http.exchange import EXCHANGE
from service.resources import Resources


class BusyPaths:
    """Those of routes without a parameter, of routes whose only parameter is the last part of the path, and of one whose parameter is
    everything below the first part.
    """

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self._exact: dict[bytes, ASGIApp] = {}
        self._above: dict[bytes, Route] = {}
        self._all_below: dict[bytes, Route] = {}
        for route in routes:
            above, _, last = route.path.rpartition("/")
            if not route.param_convertors:
                self._exact[route.path.encode()] = route.app
            elif last.startswith("{") and ":" not in last and "{" not in above:
                self._above[above.encode()] = route
            elif last.endswith(":path}") and above.count("/") == 1:
                self._all_below[above.encode()] = route

    def find(self, scope: Scope) -> ASGIApp | None:
        """Return what Starlette's router finds for the path of this request, if its route is here, and tell the scope what it tells."""
        return self._exact.get(scope["raw_path"]) or self._below(scope)

    def _below(self, scope: Scope) -> ASGIApp | None:
        path = scope["raw_path"]
        above, _, rest = path.rpartition(b"/")
        route = self._above.get(above) if rest else None
        if route is None:
            first, _, rest = path[1:].partition(b"/")
            route = self._all_below.get(b"/" + first) if len(path) > len(first) + 1 else None
        if route is None or b"%" in rest or not rest.isascii():
            return None
        (name,) = route.param_convertors
        scope["route"], scope["path_params"] = route, {name: rest.decode()}
        return route.app


class Application(Starlette):
    """Starlette, but for the paths in `busy`, whose applications respond to every fault themselves.

    A path is found as it was sent. One that is written otherwise, such as with a letter escaped, finds the same route by Starlette.
    """

    busy = BusyPaths()
    resources: Resources
    """From the start of the lifespan on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.busy.find(scope) if scope["type"] == "http" else None
        if found is None:
            scope.pop(EXCHANGE, None)  # middleware sees each response on its way out
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self
            request_id.begin(scope["headers"])
            await found(scope, receive, send)
