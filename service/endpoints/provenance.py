"""/api/v1/audit/tokens/{jti}: why a token exists, with the proof of each event that it relies on if the request asks for it."""

import asyncio
import time
from uuid import UUID

from starlette.responses import Response

from events.database import AnyConnection, read
from service.endpoints import paging
from service.endpoints.call import Call
from service.endpoints.responses import answered
from service.problems import ComeAgain, NotFound
from service.provenance import proof, sources
from service.provenance.explanation import explain
from service.provenance.proof import ProvenanceBundle
from service.provenance.sources import Stored
from service.transparency.proofs import NotYet, quorum_header
from service.values.uuids import uuid_of

PATH = "/api/v1/audit/tokens/{jti}"
PATIENCE_SECONDS, PAUSE_SECONDS = 3.0, 0.1
"""How long a request waits for the checkpoint that covers what it proves, and how often it looks."""


async def explain_token(call: Call) -> Response:
    query = paging.read(call.request.scope, ("proof",))
    with_proof = paging.flag(query, "proof")
    paging.refuse(query)
    found = await read(call.resources.ledger.pool, lambda connection: _sources(connection, _jti(call)))
    if not with_proof:
        return answered(explain(found.sources))
    bundle, has_quorum = await _proved(call, found)
    return answered(bundle, headers=quorum_header(has_quorum))


async def _sources(connection: AnyConnection, jti: UUID) -> Stored:
    found = await sources.read(connection, jti)
    if found is None:
        raise NotFound("No token with this jti was issued here, or its record is older than issued tokens are kept.")
    return found


async def _proved(call: Call, found: Stored) -> tuple[ProvenanceBundle, bool | None]:
    """Wait briefly for the next checkpoints, without a connection, if none covers the answer yet."""
    until, quorum = time.monotonic() + PATIENCE_SECONDS, call.resources.settings.quorum
    while True:
        try:
            return await read(call.resources.ledger.pool, lambda connection: proof.prove(connection, found, quorum))
        except NotYet as fault:
            if time.monotonic() > until:
                raise ComeAgain(str(fault)) from fault
        await asyncio.sleep(PAUSE_SECONDS)


def _jti(call: Call) -> UUID:
    jti = uuid_of(call.request.path_params["jti"])
    if jti is None:
        raise NotFound("A jti is a UUID; no token has this one.")
    return jti
