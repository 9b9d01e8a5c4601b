"""The busiest paths, found without Starlette: one look at a table instead of its middleware and its routes."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from service import request_id
from service.http.exchange import EXCHANGE
from service.resources import Resources


class Application(Starlette):
    """Starlette, but for the paths in `busy`, whose applications respond to every fault themselves.

    A path is found as it was sent. One that is written otherwise, such as with a letter escaped, finds the same route by Starlette.
    """

    busy: Mapping[bytes, ASGIApp] = {}
    resources: Resources
    """From the start of the lifespan on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.busy.get(scope["raw_path"]) if scope["type"] == "http" else None
        if found is None:
            scope.pop(EXCHANGE, None)  # middleware sees each response on its way out
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self
            request_id.begin(scope["headers"])
            await found(scope, receive, send)
