"""/api/v1/audit/credentials: whose a secret, a code or a token is. It is sent in the body, for a URL would be kept."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import read
from service.blast_radius.credentials import recognized
from service.endpoints.fields import Fields
from service.endpoints.management import Call
from service.endpoints.responses import answered
from service.problems import NotFound

PATH = "/api/v1/audit/credentials"
NOBODYS = (
    "This is no secret, code or token of this server; or the record of the token is older than issued tokens are kept. A secret from another"
    " server is known once its client has used it here."
)


class RecognizeRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    credential: Annotated[
        str,
        Meta(
            min_length=1, max_length=8000, description="The secret, code, refresh token or access token that was found."
        ),
    ]


async def recognize(call: Call) -> Response:
    fields = Fields(RecognizeRequest, call.request.headers.get("content-type"), call.body)
    text = fields.done().credential.strip()
    jti = call.resources.tokens.issued(text)
    found = await read(call.resources.ledger.pool, lambda connection: recognized(connection, text, jti))
    if found is None:
        raise NotFound(NOBODYS)
    return answered(found)
