"""/log: the checkpoints, tiles, entry bundles and proofs of the two trees (C2SP tlog-tiles, tlog-checkpoint and tlog-proof)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from events.database import AnyConnection, Unavailable, read
from events.transparency import tile_path
from events.transparency.checkpoints import number
from events.transparency.tile_path import BadPath
from events.transparency.trees import Tree
from service.endpoints import paging
from service.endpoints.call import Call
from service.endpoints.responses import Found, as_problem, refusal
from service.http.asgi import resources_of
from service.http.cors import VARIES
from service.problems import ComeAgain, Invalid
from service.request_id import this_request
from service.resources import Resources
from service.transparency import bundles, checkpoints, proofs
from service.transparency.proofs import NotYet, Proof

PATH = "/log"
ISSUANCE_PATH = "/log/issuance"

PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.1

TEXT = "text/plain"
BINARY = "application/octet-stream"
IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
BRIEFLY = {"Cache-Control": "public, max-age=1", **VARIES}
KEY = {"Cache-Control": "public, max-age=300", **VARIES}


async def checkpoint(of: Tree, request: Request) -> Response:
    """Return the newest checkpoint, to everybody."""
    return await _public(request, lambda resources: _checkpoint(of, request, resources))


async def key(request: Request) -> Response:
    """Return the verifier keys of both trees, to everybody."""
    return await _public(request, _key)


async def tile(of: Tree, call: Call) -> Response:
    try:
        wanted = tile_path.parsed(call.request.path_params["tile"])
    except BadPath as fault:
        raise Invalid(str(fault)) from fault
    body = await read(call.resources.ledger.pool, lambda connection: bundles.content(connection, of, wanted))
    return Found(body, wanted.width if wanted.entries else 0, IMMUTABLE, BINARY)


async def inclusion(of: Tree, call: Call) -> Response:
    query = paging.read(call.request.scope, ("entry",))
    with_entry = paging.flag(query, "entry")
    paging.refuse(query)
    position = _number(call, "position", "A position")
    quorum = call.resources.settings.quorum
    return await _proof(call, lambda c: proofs.inclusion(c, of, position, quorum, with_entry=with_entry))


async def consistency(of: Tree, call: Call) -> Response:
    old, new = _number(call, "old", "The size of a tree"), _number(call, "new", "The size of a tree")
    return await _proof(call, lambda connection: proofs.consistency(connection, of, old, new))


async def _public(request: Request, respond: Callable[[Resources], Awaitable[Response]]) -> Response:
    resources = resources_of(request.scope)
    try:
        return await respond(resources)
    except Unavailable as fault:
        return refusal(as_problem(fault, this_request(), resources.outages), this_request())


async def _checkpoint(of: Tree, request: Request, resources: Resources) -> Response:
    quorum = resources.settings.quorum
    newest = await read(resources.ledger.pool, lambda connection: checkpoints.served(connection, of, quorum))
    if newest is None:
        return refusal(ComeAgain("There is no checkpoint yet; the first one follows in a moment."), this_request())
    etag = f'"{sha256(newest.note).hexdigest()[:16]}"'
    headers = {**BRIEFLY, "ETag": etag, **proofs.quorum_header(newest.has_quorum)}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(newest.note, headers=headers, media_type=TEXT)


async def _key(resources: Resources) -> Response:
    keys = await read(resources.ledger.pool, resources.log_key.verifiers)
    return Response(keys, headers=KEY, media_type=TEXT)


async def _proof(call: Call, prove: Callable[[AnyConnection], Awaitable[Proof]]) -> Response:
    """Wait briefly for the next checkpoint, without a connection, if none covers the position yet."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            proof = await read(call.resources.ledger.pool, prove)
            return Response(proof.text, headers=proofs.quorum_header(proof.has_quorum), media_type=TEXT)
        except NotYet as fault:
            if time.monotonic() > until:
                raise ComeAgain(str(fault)) from fault
        await asyncio.sleep(PAUSE_SECONDS)


def _number(call: Call, name: str, what: str) -> int:
    value = number(call.request.path_params[name])
    if value is None:
        raise Invalid(f"{what} is a whole number without leading zeroes, such as 17.")
    return value
