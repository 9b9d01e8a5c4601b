"""/api/v1/auth/signing-keys: the public parts of the keys that sign tokens, also of those that no longer do, and their rotation."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from events.signing_key import PublicJwk
from projections import signing_key_history, signing_keys
from projections.signing_keys import Row
from service import rotation
from service.endpoints import as_of, paging
from service.endpoints.call import Call
from service.endpoints.fields import Fields
from service.endpoints.responses import answered
from service.vault import private_keys

PATH = "/api/v1/auth/signing-keys"
STATES = ("published", "active", "retired")


class SigningKey(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key is published before it signs, so that resource servers know it by then. A retired key only verifies."""

    kid: Annotated[str, Meta(description="What the header of a token names it by.")]
    alg: str
    state: Annotated[str, Meta(extra_json_schema={"enum": list(STATES)})]
    public_jwk: Annotated[PublicJwk, Meta(description="The public key (RFC 7517).")]
    published_utc: Annotated[datetime, Meta(tz=True)]
    activated_utc: Annotated[datetime, Meta(tz=True, description="Since when it signs; null if it has not yet.")] | None
    retired_utc: Annotated[datetime, Meta(tz=True, description="Since when it only verifies.")] | None


class RotateKeysRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    active_kid: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="The `kid` of a key that signs now. If it no longer does, nothing is changed (409), so a request that is sent "
            "twice rotates once.",
        ),
    ]


class RotatedKeys(Struct, frozen=True, kw_only=True, rename="camel"):
    active_kids: Annotated[
        dict[str, str], Meta(description="The `kid` of the key that signs from now on, by algorithm.")
    ]


async def list_signing_keys(call: Call) -> Response:
    page = await as_of.page_asked(call, ("state",), {"state": paging.one_of(STATES)})
    state = page.filters.get("state")
    found = await as_of.page_of(
        call,
        PATH,
        page,
        lambda connection, most: signing_keys.listed(connection, after=page.after, state=state, limit=most),
        history=signing_key_history.HISTORY,
        filters=signing_key_history.filters(state),
    )
    return answered([_shown(row) for row in found.rows], headers=found.headers)


async def rotate_signing_keys(call: Call) -> Response:
    resources, meta = call.resources, call.meta
    asked = Fields(RotateKeysRequest, call.content_type, call.body).done()
    url, master_key = resources.settings.database_url, resources.settings.master_key
    assert url is not None
    assert master_key is not None
    seal = private_keys.wrapping(master_key)
    kids = await rotation.rotate(url, resources.ledger, seal, meta, active=asked.active_kid)
    await resources.lookup.be_certain()
    return answered(RotatedKeys(active_kids=kids))


def _shown(row: Row) -> SigningKey:
    return SigningKey(
        kid=row.kid,
        alg=row.alg,
        state=row.state,
        public_jwk=row.public_jwk,
        published_utc=row.published_at,
        activated_utc=row.activated_at,
        retired_utc=row.retired_at,
    )
