"""Client authentication by client secret (RFC 6749 section 2.3). Failures are counted and recorded."""

from events.ids import is_ours
from projections.clients import Found
from service.clock import utc_now
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import record_failure, record_throttling
from service.lookup import Seen
from service.oauth.authentication import PresentedCredentials, parse_credentials, prove
from service.oauth.errors import InvalidClient, TooManyFailures
from service.people.throttle import network

MANY_CLIENTS = 10
"""How many clients of one address may fail before the address itself is limited: all clients of a company may share one address."""


def credentials_or_none(request: OAuthRequest) -> PresentedCredentials | None:
    """Return None if the credentials are missing or malformed. Authlib decides whether that is the first error to report."""
    try:
        return parse_credentials(request.authorization, request.form)
    except InvalidClient:
        return None


async def look_up(request: OAuthRequest, presented: PresentedCredentials | None) -> Seen | None:
    seen = await request.resources.lookup.named(presented.client_id) if presented else None
    return None if seen is None else request.resources.imported.known(seen)


async def look_up_certain(request: OAuthRequest, presented: PresentedCredentials | None) -> Seen | None:
    """Return the current client, including every event that any process committed before this call. Raises TooManyFailures."""
    await request.resources.lookup.be_certain()
    seen = await look_up(request, presented)
    if seen is None or presented is None or presented.client_secret is None:
        return seen
    try:
        return await request.resources.imported.settle(seen, presented.client_secret, request.address)
    except TooManyFailures:
        await record_throttling(request.resources, seen, request.address)
        raise


async def authenticate_client(request: OAuthRequest, *, public: bool = False) -> Found:
    """Authenticate the client from its current state. A public client, which has no secret, is accepted only with `public`.

    Raises InvalidRequest, InvalidClient or TooManyFailures.
    """
    presented = parse_credentials(request.authorization, request.form)
    found = await look_up_certain(request, presented)
    try:
        _proved(presented, found, public=public)
    except InvalidClient:
        await count_failure(request, presented, found)
        raise
    assert found is not None
    return found


def _proved(presented: PresentedCredentials, found: Found | None, *, public: bool) -> None:
    if prove(presented, found, utc_now()) is None and not public:
        raise InvalidClient


async def count_failure(request: OAuthRequest, presented: PresentedCredentials | None, found: Found | None) -> None:
    """Count a failure for this client and address, and record it. Successes are never counted. Raises TooManyFailures."""
    try:
        await _count_failures(request, presented)
    except TooManyFailures:
        await record_throttling(request.resources, found, request.address)
        raise
    if presented is not None:
        await record_failure(request.resources, presented, found, request.address)


async def _count_failures(request: OAuthRequest, presented: PresentedCredentials | None) -> None:
    """The address alone has a limit too, MANY_CLIENTS times as high, because an attacker may name any number of clients."""
    limit = request.resources.settings.failed_auth_limit
    if limit == 0:
        return
    by_address = await request.resources.limits.count(f"failed {network(request.address)}")
    if by_address.used > MANY_CLIENTS * limit:
        raise TooManyFailures(by_address.seconds)
    # A client_id that does not have our form shares one counter with all others like it, because it can be any text of any length.
    # This includes imported clients.
    client_id = presented.client_id if presented and is_ours(presented.client_id) else ""
    counted = await request.resources.limits.count(f"failed {request.address} {client_id}")
    if counted.used > limit:
        raise TooManyFailures(counted.seconds)
