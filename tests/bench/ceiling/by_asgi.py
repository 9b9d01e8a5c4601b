"""The ceiling program without a framework: a dict for the path, one message for the head of the answer and one for its body."""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from starlette.types import Receive, Scope, Send

from tests.bench.ceiling import work
from tests.bench.ceiling.program import Program, opened
from tests.bench.ceiling.requests import NOTHING, Answer, Asked, Refused, head_of, longer

METHODS = {"POST": work.POST, "GET": work.GET}


class Application:
    _program: Program
    _open: AbstractAsyncContextManager[Program]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            answer = Answer(b"", refused.status, NOTHING)
        await _send(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        does = _found(METHODS.get(scope["method"], work.GET), scope["path"])
        if does is None:
            raise Refused(404)
        return await does(self._program, await _asked(scope, receive))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._open = opened(os.environ["CEILING_DATABASE_URL"])
        self._program = await self._open.__aenter__()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._open.__aexit__(None, None, None)
        await send({"type": "lifespan.shutdown.complete"})


def _found(works: Mapping[str, work.Work], path: str) -> work.Work | None:
    """By the path, or by all of it but its last part."""
    return works.get(path) or works.get(f"{path[: path.rfind('/')]}/{{client_id}}")


async def _asked(scope: Scope, receive: Receive) -> Asked:
    headers, body, more = head_of(scope["headers"]), b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400)
        body, more = longer(body, message["body"]), message["more_body"]
    return Asked(scope["path"], headers, scope["query_string"], body)


async def _send(send: Send, answer: Answer) -> None:
    head = [*answer.head.raw, (b"content-length", str(len(answer.body)).encode())]
    if answer.location is not None:
        head.append((b"location", answer.location.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    await send({"type": "http.response.body", "body": answer.body})


application = Application()
