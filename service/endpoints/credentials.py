"""/api/v1/audit/credentials: whose a secret, a code or a token is. It is sent in the body, for a URL would be kept."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import read
from events.replay import head
from projections import secret_hashes
from service.blast_radius.credentials import RecognizedCredential, may_be_secret, recognized
from service.endpoints import as_of
from service.endpoints.call import Call
from service.endpoints.fields import Fields
from service.endpoints.request_limit import record_throttling
from service.endpoints.responses import answered
from service.http.asgi import address
from service.limits import Counted
from service.problems import NotFound, TooMany

PATH = "/api/v1/audit/credentials"
NOBODYS = (
    "This is no secret, code or token of this server; or the record of the token is older than issued tokens are kept. A secret from another"
    " server is known once its client has used it here."
)

MOST_UNKNOWN = 10
"""How many of a caller in a minute may be unknown here: imported secrets may be weak, and nobody may guess them here."""


class RecognizeRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    credential: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=8000,
            description="The secret, code or token that was found: also a device code, an initial or a registration access token.",
        ),
    ]


async def recognize(call: Call) -> Response:
    fields = Fields(RecognizeRequest, call.content_type, call.body)
    text = fields.done().credential.strip()
    counted = await _counted(call)
    found = await _found(call, text)
    if found is None:
        raise NotFound(NOBODYS)
    await call.resources.limits.give_back(_key(call), counted)
    return answered(found)


async def _found(call: Call, text: str) -> RecognizedCredential | None:
    """Return whose it is. A secret is unknown only once the hashes include everything up to now. Raises ComeAgain."""
    pool, jti = call.resources.ledger.pool, call.resources.tokens.issued(text)

    async def look() -> RecognizedCredential | None:
        return await read(pool, lambda connection: recognized(connection, text, jti))

    if not may_be_secret(text, jti):
        return await look()
    await as_of.reached(call, secret_hashes.PROJECTION, 0)
    if (known := await look()) is not None:
        return known
    await as_of.reached(call, secret_hashes.PROJECTION, (await read(pool, head)).position)
    return await look()


async def _counted(call: Call) -> Counted:
    """Count this as unknown until it is found. Raises TooMany."""
    counted = await call.resources.limits.count(_key(call))
    if counted.used <= MOST_UNKNOWN:
        return counted
    if counted.used == MOST_UNKNOWN + 1:
        await record_throttling(call.resources, call.caller, MOST_UNKNOWN, address(call.request.scope))
    raise TooMany(
        f"More than {MOST_UNKNOWN} credentials that are unknown here were asked about in this minute; try again in {counted.seconds} s.",
        headers={"Retry-After": str(counted.seconds)},
    )


def _key(call: Call) -> str:
    return f"unknown credentials {call.caller.sub}"
