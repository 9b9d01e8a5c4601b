"""POST /openid/device_authorization (RFC 8628 sections 3.1 and 3.2): a device asks for a code that its user types in a browser."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from msgspec import UNSET, Struct, json

from events.database import read
from events.device_authorization import DeviceAuthorizationRequested, UserCode
from events.refusal import RequestsThrottled
from projections import device_authorizations
from projections.clients import Found
from service.clock import utc_now
from service.commands.device_authorization import RequestDeviceAuthorization
from service.commands.handle import DEVICE_AUTHORIZATION, handle
from service.crypto import opaque_tokens
from service.crypto.credentials import Secret, hash_secret, new_id
from service.grants.client_authentication import authenticate_client
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import meta_of
from service.grants.refusal_events import Sender, record_throttled_requests
from service.limits import A_DAY
from service.oauth import parameters
from service.oauth.authlib_server import NO_DEVICES
from service.oauth.authorize import MOST_CHARACTERS, of_device
from service.oauth.errors import InvalidRequest, Refused, TooManyRequests
from service.people.throttle import network
from service.waiting_devices import INTERVAL_SECONDS, Origin

LIFETIME = timedelta(minutes=10)
MOST_OF_A_NETWORK, MOST_OF_A_NETWORK_IN_A_DAY = 60, 1000
"""In a minute and in a day: each request adds an event to the log, and a public client may be anybody. A whole office may share one."""

MOST_OF_A_CLIENT = 600
"""In a minute, of a confidential client. Anybody can ask in the name of a public one, so a limit of that would let anybody lock out its users."""


class DeviceAuthorizationResponse(Struct, frozen=True, kw_only=True):
    """RFC 8628 section 3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int

    def __repr__(self) -> str:
        return "DeviceAuthorizationResponse(…)"


async def authorize_device(request: OAuthRequest) -> bytes:
    """Return the JSON body of the response. Raises a Refusal."""
    found = await authenticate_client(request, public=True)
    if not found.client.security.device_grant:
        raise Refused(400, "unauthorized_client", NO_DEVICES)
    scopes, resource = _asked(request, found)
    await _throttle(request, found)
    stream, user_code = new_id(), await _user_code(request)
    device_code = opaque_tokens.make(opaque_tokens.DEVICE_CODE, stream)
    now = utc_now()
    requested = DeviceAuthorizationRequested(
        client=found.client.stream_id,
        scopes=scopes,
        resource=resource,
        hash=hash_secret(device_code.reveal()),
        user_code=UserCode(hash=request.resources.user_codes.hash(user_code.reveal())),
        at=now,
        expires_at=now + LIFETIME,
        restored=found.client.restored or UNSET,
    )
    await _record(request, stream, requested, found)
    return json.encode(_response(request.resources.settings.issuer, device_code, user_code))


def _asked(request: OAuthRequest, found: Found) -> tuple[tuple[str, ...], str | None]:
    """Return the scopes that the device asks for and may have, and the resource. Raises a Refusal."""
    long = [name for name in ("scope", "resource", "audience") if len(request.form.get(name, "")) > MOST_CHARACTERS]
    if long:
        raise InvalidRequest(f"Longer than {MOST_CHARACTERS} characters: {', '.join(long)}.")
    try:
        return of_device(request.form, found, request.resources.known)
    except parameters.Fault as fault:
        raise Refused(400, fault.error, str(fault)) from fault


async def _throttle(request: OAuthRequest, found: Found) -> None:
    """Raises TooManyRequests."""
    client_id = found.client.client_id
    near = f"device authorizations of {network(request.address)}"
    limits = [(near, MOST_OF_A_NETWORK), (f"{A_DAY}{near}", MOST_OF_A_NETWORK_IN_A_DAY)]
    if not found.client.public:
        limits.append((f"device authorizations of {client_id}", MOST_OF_A_CLIENT))
    for key, most in limits:
        counted = await request.resources.limits.count(key)
        if counted.used > most:
            sender = Sender(whose=client_id, scopes=found.client.scopes, address=request.address)
            throttled = RequestsThrottled(client_id=client_id, limit=most, at=utc_now())
            shown = None if found.client.public else request.address
            await record_throttled_requests(request.resources, throttled, sender, shown)
            raise TooManyRequests(counted.seconds)


async def _user_code(request: OAuthRequest) -> Secret:
    """Return a code that no other device is waiting with."""
    codes = request.resources.user_codes
    while True:
        code = codes.make()
        hashed = codes.hash(code.reveal())
        if await read(request.resources.ledger.pool, lambda c, h=hashed: device_authorizations.waiting(c, h)) is None:
            return code


async def _record(request: OAuthRequest, stream: UUID, requested: DeviceAuthorizationRequested, found: Found) -> None:
    """Record the request, and where it is from until its codes expire: the event is for ever, and the address is a user's."""
    ledger, origin = request.resources.ledger, Origin(address=request.address, agent=request.agent)
    command, meta = RequestDeviceAuthorization(requested=requested), meta_of(found.client.client_id, "")
    await handle(ledger, DEVICE_AUTHORIZATION, stream, command, meta, fresh=True)
    await request.resources.waiting_devices.begin(stream, origin, requested.expires_at)


def _response(issuer: str, device_code: Secret, user_code: Secret) -> DeviceAuthorizationResponse:
    uri = f"{issuer}/device"
    return DeviceAuthorizationResponse(
        device_code=device_code.reveal(),
        user_code=user_code.reveal(),
        verification_uri=uri,
        verification_uri_complete=f"{uri}?{urlencode({'user_code': user_code.reveal()})}",
        expires_in=int(LIFETIME.total_seconds()),
        interval=INTERVAL_SECONDS,
    )
