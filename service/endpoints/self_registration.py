"""POST /openid/register (RFC 7591), and GET, PUT and DELETE below it (RFC 7592): a client registers itself and manages its registration."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from events.database import Unavailable, read
from events.envelope import ByClient, ByService
from events.ids import client_stream
from projections import clients
from projections.clients import Found, Row
from service.clock import utc_now
from service.commands.client_registration import Permission
from service.crypto.credentials import new_id, proven
from service.grants.failed_tokens import count_failed_token
from service.grants.registration_permission import allowed, changes_are_few, policy, use
from service.grants.software_statement import STATEMENT, stated, stated_by
from service.http.asgi import BodyCutShort, BodyTooLong, address, read_body, repeated, resources_of
from service.oauth import registration_response
from service.oauth.client_metadata import CODE, DEVICE, MACHINE, NONE, REFRESH, Policy, client_metadata
from service.oauth.client_metadata_members import parse
from service.oauth.errors import (
    InvalidClientMetadata,
    InvalidRequest,
    InvalidToken,
    Refusal,
    Refused,
    ServerAway,
    TooLong,
)
from service.refusals import Contradiction, DoesNotExist, InvalidValue, NotPermitted
from service.request_id import envelope
from service.resources import Resources
from service.use_cases import self_registration
from service.values.scopes import NEW_CLIENT

PATH = registration_response.PATH
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
JSON = "application/json"
MOST_EVENTS = 300
"""A client of so many events changes itself no more: each change reads all of them. One that changes nothing adds none."""

BY_WHICH = (
    "The registration access token is missing or not valid for this client, or there is no such client. Send it as"
    " Authorization: Bearer ..., to the registration_client_uri that came with it."
)

KEPT = ("token_endpoint_auth_method", "scope", "grant_types", "authorization_signed_response_alg")

Endpoint = Callable[[Request], Awaitable[Response]]


def _oauth(carry_out: Endpoint) -> Endpoint:
    """Return the endpoint with refusals in the format of OAuth (RFC 7591 section 3.2.2)."""

    @wraps(carry_out)
    async def respond(request: Request) -> Response:
        try:
            return await carry_out(request)
        except Refusal as refused:
            return _refusal(refused)
        except Unavailable as fault:
            resources_of(request.scope).outages.notice(fault)
            return _refusal(ServerAway())

    return respond


@_oauth
async def register(request: Request) -> Response:
    """RFC 7591 section 3."""
    resources = resources_of(request.scope)
    may = await allowed(resources, bearer(request), address(request.scope))
    given, voucher = await stated(resources, await _members(request), None, address(request.scope))
    metadata = stated_by(client_metadata(given, may.policy), voucher)
    stream = new_id()
    meta = await use(resources, may, stream, envelope(ByService(why="a client registered itself")))
    new = await self_registration.register(resources.ledger, stream, metadata, may.permission, meta)
    shown = registration_response.registered(new.row, resources.settings.issuer, new.token.reveal(), new.secret)
    if voucher is not None:
        shown[STATEMENT] = given[STATEMENT]
    return _answer(shown, 201)


@_oauth
async def configure(request: Request) -> Response:
    """RFC 7592 section 2."""
    resources = resources_of(request.scope)
    found, token = await _authenticated(request, resources)
    row = found.client
    if request.method != "GET":
        await changes_are_few(resources, row.client_id, address(request.scope))
    match request.method:
        case "PUT":
            row = await _replaced(request, resources, found)
        case "DELETE":
            meta = envelope(ByClient(client_id=row.client_id, sub=row.client_id))
            await self_registration.delete(resources.ledger, row, _permission(row), meta)
            return Response(status_code=204, headers=NO_STORE)
        case _:
            pass
    return _answer(registration_response.registered(row, resources.settings.issuer, token))


async def _authenticated(request: Request, resources: Resources) -> tuple[Found, str]:
    """Return the client and its registration access token. The refusal is the same for every reason. Raises InvalidToken."""
    token, client_id = bearer(request), request.path_params["client_id"]
    stream = client_stream(client_id)
    found = None if stream is None else await read(resources.ledger.pool, lambda c: clients.find(c, stream))
    if found is None or token is None or not self_registration.is_its_token(found.client, token):
        await count_failed_token(resources, client_id, "wrong_registration_token", found, address(request.scope))
        raise InvalidToken(BY_WHICH)
    if found.client.state != "active":
        raise InvalidToken(BY_WHICH)
    return found, token


async def _replaced(request: Request, resources: Resources, found: Found) -> Row:
    """An omitted member that a client cannot lose, or that nobody but an operator can widen again, stays as it is."""
    given, row = await _members(request), found.client
    if row.version >= MOST_EVENTS:
        raise Refused(403, "access_denied", "This registration was changed as often as it may be. Register again.")
    _names_itself(given, row)
    given, voucher = await stated(resources, given, found, address(request.scope))
    now = registration_response.registered(row, resources.settings.issuer, "")
    kept = {name: now[name] for name in KEPT if name in now}
    permission = _permission(row)
    may = _policy_of(row, policy(resources.settings, permission))
    metadata = client_metadata({**kept, **{name: value for name, value in given.items() if value is not None}}, may)
    metadata = stated_by(metadata, voucher)
    meta = envelope(ByClient(client_id=row.client_id, sub=row.client_id))
    try:
        return await self_registration.replace(resources.ledger, row, metadata, permission, meta)
    except DoesNotExist as fault:
        raise InvalidToken(BY_WHICH) from fault
    except NotPermitted as fault:
        raise Refused(403, "access_denied", fault.detail) from fault
    except (Contradiction, InvalidValue) as fault:
        raise InvalidClientMetadata(fault.detail) from fault


def _names_itself(given: Mapping[str, Any], row: Row) -> None:
    """RFC 7592 section 2.2. Raises InvalidClientMetadata."""
    if given.get("client_id") != row.client_id:
        raise InvalidClientMetadata("The client_id must be there, and be the one of this client.")
    secret = given.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and proven(secret, row.secrets, utc_now())):
        raise InvalidClientMetadata(
            "The client_secret must be the one of this client, or left out: it cannot be chosen."
        )


def _permission(row: Row) -> Permission:
    """It keeps the scopes that it has, and may have those of every new client."""
    assert row.registration is not None
    return Permission(
        owner=row.owner,
        scopes=frozenset({*row.scopes, *NEW_CLIENT}),
        initial_access_token=row.registration.initial_access_token,
    )


def _policy_of(row: Row, usual: Policy) -> Policy:
    """A client stays what it is: a machine or not, public or not, for devices or not."""
    on_device = (DEVICE,) if row.security.device_grant else ()
    return usual.__replace__(
        grant_types=(MACHINE,) if row.grant_type == MACHINE else (CODE, REFRESH, *on_device),
        auth_methods=tuple(each for each in usual.auth_methods if (each == NONE) is row.public),
        has_keys=bool(row.keys or row.security.jwks_uri),
    )


async def _members(request: Request) -> dict[str, Any]:
    """Raises a Refusal."""
    if fault := repeated(request.scope):
        raise InvalidRequest(fault)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise InvalidClientMetadata(f"Send the client metadata as Content-Type: {JSON}.")
    try:
        return parse(await read_body(request.scope, request.receive))
    except BodyTooLong as fault:
        raise TooLong("The body is longer than 64 KiB.") from fault
    except BodyCutShort as fault:
        raise InvalidRequest("The body ended early. Send it again.") from fault


def bearer(request: Request) -> str | None:
    """Return the bearer token of the request (RFC 6750 section 2.1), or None. Raises InvalidRequest."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise InvalidRequest("Send one Authorization header of the form: Bearer, a space, and the token.")
    return token.strip()


def _answer(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.encode(content), status, NO_STORE, media_type=JSON)


def _refusal(refused: Refusal) -> Response:
    body = {"error": refused.error, "error_description": refused.description}
    return Response(json.encode(body), refused.status, {**NO_STORE, **refused.headers}, media_type=JSON)
