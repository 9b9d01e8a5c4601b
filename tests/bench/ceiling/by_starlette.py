"""The ceiling program as one writes it with Starlette: a route for each path, its Request and its Response."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.ceiling import work
from tests.bench.ceiling.program import opened
from tests.bench.ceiling.requests import Asked, Refused, head_of, longer


@asynccontextmanager
async def lifespan(application: Starlette) -> AsyncGenerator[None]:
    async with opened(os.environ["CEILING_DATABASE_URL"]) as program:
        application.state.program = program
        yield


def _endpoint(does: work.Work) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await does(request.app.state.program, await _asked(request))
        except Refused as refused:
            return Response(status_code=refused.status)
        headers = answer.head.text if answer.location is None else {**answer.head.text, "location": answer.location}
        return Response(answer.body, answer.status, headers)

    return endpoint


async def _asked(request: Request) -> Asked:
    headers, body = head_of(request.scope["headers"]), b""
    async for part in request.stream():
        body = longer(body, part)
    return Asked(request.scope["path"], headers, request.scope["query_string"], body)


application = Starlette(
    routes=[
        Route(path, _endpoint(does), methods=[method])
        for method, paths in (("POST", work.POST), ("GET", work.GET))
        for path, does in paths.items()
    ],
    lifespan=lifespan,
)
