"""/api/v1/auth/consents and /api/v1/auth/grants: what users allowed which clients."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, json
from starlette.responses import Response

from events.database import read
from events.ids import client_stream
from projections import (
    authorization_history,
    authorizations,
    client_lists,
    consent_history,
    consents,
    device_authorizations,
)
from service.endpoints import as_of, paging
from service.endpoints.call import Call
from service.endpoints.grant_schemas import Consent, Grant, GrantDevice
from service.endpoints.responses import answered
from service.people.sessions import Device
from service.values.scopes import AUDIT_READ
from service.values.uuids import is_uuid, uuid_of

CONSENTS = "/api/v1/auth/consents"
GRANTS = "/api/v1/auth/grants"
FILTERS = ("userId", "clientId", "state")
CONSENT_STATES = ("given", "withdrawn")
GRANT_STATES = ("active", "revoked")


async def list_consents(call: Call) -> Response:
    page = await as_of.page_asked(call, FILTERS, checks(CONSENT_STATES))
    wanted = consents.Wanted(
        after=page.after, user=user(page), client_id=page.filters.get("clientId"), state=page.filters.get("state")
    )
    found = await as_of.page_of(
        call,
        CONSENTS,
        page,
        lambda connection, most: consents.listed(connection, wanted, limit=most),
        history=consent_history.HISTORY,
        filters=consent_history.filters(wanted),
    )
    return answered([_consent(row) for row in found.rows], headers=found.headers)


async def list_grants(call: Call) -> Response:
    page = await as_of.page_asked(call, FILTERS, checks(GRANT_STATES))
    client_id = page.filters.get("clientId")
    client = None if client_id is None else client_stream(client_id)
    wanted = authorizations.Wanted(after=page.after, user=user(page), client=client, state=page.filters.get("state"))
    found = await as_of.page_of(
        call,
        GRANTS,
        page,
        lambda connection, most: authorizations.listed(connection, wanted, limit=most),
        history=authorization_history.HISTORY,
        filters=authorization_history.filters(wanted),
    )
    streams = [row.client for row in found.rows]
    names = await read(call.resources.ledger.pool, lambda c: client_lists.client_ids(c, streams))
    devices = {} if found.position is not None else await _devices(call, [row.stream_id for row in found.rows])
    shown = [
        _grant(row, names[row.client], now=found.position is None).__replace__(device=devices.get(row.stream_id, UNSET))
        for row in found.rows
    ]
    return answered(shown, headers=found.headers)


async def _devices(call: Call, grants: Sequence[UUID]) -> dict[UUID, GrantDevice]:
    """Return what asked for each of the grants that is for a device, for an auditor. An erased user's is not known."""
    if AUDIT_READ not in call.caller.scopes:
        return {}
    found = await read(call.resources.ledger.pool, lambda c: device_authorizations.approvals(c, grants))
    plain = await call.resources.people.open_all([(each.user, each.device) for each in found])
    opened = [
        (each.authorization, json.decode(text, type=Device))
        for each, text in zip(found, plain, strict=True)
        if text is not None
    ]
    return {grant: GrantDevice(address=device.address, user_agent=device.agent) for grant, device in opened}


def checks(states: Sequence[str]) -> dict[str, paging.Check]:
    """Return the checks of FILTERS, for what can be in these states."""
    return {"userId": _user_fault, "clientId": _client_fault, "state": paging.one_of(states)}


def _user_fault(text: str) -> str | None:
    if is_uuid(text):
        return None
    return "must be the id of a user, in lower case" if uuid_of(text) else "must be the id of a user"


def _client_fault(text: str) -> str | None:
    return None if client_stream(text) else "must be a clientId"


def user(page: paging.PageRequest) -> UUID | None:
    """Return the user of the filter."""
    text = page.filters.get("userId")
    return None if text is None else UUID(text)


def _consent(row: consents.Row) -> Consent:
    return Consent(
        id=row.stream_id,
        user_id=row.user_id,
        client_id=row.client_id,
        resource=row.resource,
        scopes=list(row.scopes),
        state=row.state,
        given_utc=row.given_at,
        withdrawn_utc=row.withdrawn_at,
    )


def _grant(row: authorizations.Row, client_id: str, *, now: bool) -> Grant:
    return Grant(
        id=row.stream_id,
        user_id=row.user_id,
        client_id=client_id,
        session_id=None if row.asserted_by else row.session_id,
        asserted_by=row.asserted_by or UNSET,
        resource=row.resource,
        scopes=list(row.scopes),
        state=row.state,
        granted_utc=row.granted_at,
        redeemed_utc=row.redeemed_at if now else UNSET,
        last_used_utc=row.used_at if now else UNSET,
        refreshable_until_utc=row.refresh_until if now else UNSET,
        revoked_utc=row.revoked_at,
        why=row.why,
    )
