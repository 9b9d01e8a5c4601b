"""/api/v1/auth/device-authorizations: which devices asked to sign a user in (RFC 8628), and who answered. Codes are not kept."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import read
from events.ids import client_stream
from projections import client_lists, device_authorizations
from projections.device_authorizations import STATES, Row, Wanted
from service.clock import utc_now
from service.endpoints import grants, paging
from service.endpoints.call import Call
from service.endpoints.responses import answered
from service.problems import NotFound
from service.values.uuids import is_uuid

PATH = "/api/v1/auth/device-authorizations"
NONE = "There is no device authorization with this id."


class DeviceAuthorization(Struct, frozen=True, kw_only=True, rename="camel"):
    """A device that asked to sign a user in. Neither of its codes is shown: only their hashes are kept."""

    id: Annotated[UUID, Meta(description="Its stream in the log.")]
    client_id: str
    state: Annotated[
        str,
        Meta(
            description="A waiting one that nobody answered in time is expired.",
            extra_json_schema={"enum": list(STATES)},
        ),
    ]
    scopes: Annotated[list[str], Meta(description="What the device asked for.")]
    resource: Annotated[str, Meta(description="The APIs that it asked for.")] | None
    requested_utc: Annotated[datetime, Meta(tz=True)]
    expires_utc: Annotated[datetime, Meta(tz=True, description="Until when a user could answer.")]
    answered_utc: Annotated[datetime, Meta(tz=True)] | None
    user_id: Annotated[UUID, Meta(description="The user who approved or denied it.")] | None
    grant_id: Annotated[UUID, Meta(description="The grant that the approval made.")] | None


async def list_device_authorizations(call: Call) -> Response:
    query = paging.read(call.request.scope, ("limit", "cursor", *grants.FILTERS))
    page = paging.page_of(query, grants.FILTERS, grants.checks(STATES))
    paging.refuse(query)
    client_id = page.filters.get("clientId")
    wanted = Wanted(
        after=page.after,
        client=None if client_id is None else client_stream(client_id),
        user=grants.user(page),
        state=page.filters.get("state"),
    )
    most = page.limit + 1
    rows = await read(call.resources.ledger.pool, lambda c: device_authorizations.listed(c, wanted, limit=most))
    found, headers = rows[: page.limit], {}
    if len(rows) > page.limit:
        headers = page.link(call.resources.settings.issuer, PATH, found[-1].stream_id)
    streams = [row.client for row in found]
    names = await read(call.resources.ledger.pool, lambda c: client_lists.client_ids(c, streams))
    now = utc_now()
    return answered([shown(row, names[row.client], now) for row in found], headers=headers)


async def read_device_authorization(call: Call) -> Response:
    stream = stream_asked(call)
    row = await read(call.resources.ledger.pool, lambda c: device_authorizations.find(c, stream))
    if row is None:
        raise NotFound(NONE)
    client_id = await name_of(call, row.client)
    return answered(shown(row, client_id, utc_now()), headers={"ETag": f'"{row.version}"'})


async def name_of(call: Call, client: UUID) -> str:
    """Return the client_id of the stream."""
    return (await read(call.resources.ledger.pool, lambda c: client_lists.client_ids(c, [client])))[client]


def stream_asked(call: Call) -> UUID:
    """Return the stream of the device authorization in the path. Raises NotFound."""
    given = call.request.path_params["device_id"]
    if not is_uuid(given):
        raise NotFound(NONE)
    return UUID(given)


def shown(row: Row, client_id: str, now: datetime) -> DeviceAuthorization:
    return DeviceAuthorization(
        id=row.stream_id,
        client_id=client_id,
        state=row.state_at(now),
        scopes=list(row.scopes),
        resource=row.resource,
        requested_utc=row.requested_at,
        expires_utc=row.expires_at,
        answered_utc=row.answered_at,
        user_id=row.user_id,
        grant_id=row.authorization_id,
    )
