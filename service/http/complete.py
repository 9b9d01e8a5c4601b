"""A function from a request to a response, as an application that needs nothing of Starlette's: it responds to every fault itself."""

from collections.abc import Awaitable, Callable, Collection

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.http.asgi import respond

Refuse = Callable[[Request, Exception], Awaitable[Response]]


class Complete:
    """`refuse` returns the response to a fault. A path that accepts GET accepts HEAD, too."""

    def __init__(
        self,
        carry_out: Callable[[Request], Awaitable[Response]],
        refuse: Refuse,
        methods: Collection[str],
    ) -> None:
        self._carry_out, self._refuse, self.methods = carry_out, refuse, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._carried_out(request)
        except Exception as fault:  # noqa: BLE001 - after any fault there is a response, and `refuse` logs the fault
            response = await self._refuse(request, fault)
        await respond(scope, receive, send, response, {})

    async def _carried_out(self, request: Request) -> Response:
        method = request.scope["method"]
        if ("GET" if method == "HEAD" else method) not in self.methods:
            raise HTTPException(405, headers={"Allow": ", ".join(self.methods)})
        return await self._carry_out(request)
