"""A witness over HTTP (C2SP tlog-witness), for tests and small installations."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from events.transparency.notes import SignerKey, VerifierKey
from service.http.asgi import BodyCutShort, BodyTooLong, read_body
from service.witness.decision import TEXT, Refused, decide, submission
from service.witness.state import State


def create(signer: SignerKey, logs: Mapping[str, VerifierKey], state: State) -> Starlette:
    """`logs` has the key of each log by its origin."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            submitted = submission(await _body(request), logs)
            await asyncio.to_thread(state.advance, submitted.head.origin, partial(decide, submitted))
        except Refused as refused:
            return Response(str(refused), refused.status, media_type=refused.media)
        return Response(signer.cosign(submitted.text, int(time.time())).line, media_type=TEXT)

    async def key(_request: Request) -> Response:
        return Response(f"{signer.verifier}\n", media_type=TEXT)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"]), Route("/key", key)])


async def _body(request: Request) -> bytes:
    """Raises Refused."""
    try:
        return await read_body(request.scope, request.receive)
    except BodyTooLong as fault:
        raise Refused(413, "The request is longer than 64 KiB.\n") from fault
    except BodyCutShort as fault:
        raise Refused(400, "The body ended early. Send it again.\n") from fault
