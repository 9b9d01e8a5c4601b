"""Which client asks, proved by its secret; failures are counted and remembered (RFC 6749 section 2.3)."""

from projections.clients import Found, is_ours
from service.clock import utc_now
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import remember_failure, remember_throttling
from service.lookup import Seen
from service.oauth.authentication import Presented, presented, prove
from service.oauth.errors import InvalidClient, TooManyFailures
from service.people.throttle import network

MANY_CLIENTS = 10
"""How many clients of one address may all be failing before that counts against it: a company's are behind one."""


def presented_or_none(request: OAuthRequest) -> Presented | None:
    """None when the client gives no good credentials; whether that matters first is for Authlib to say."""
    try:
        return presented(request.authorization, request.form)
    except InvalidClient:
        return None


async def look_up(request: OAuthRequest, given: Presented | None) -> Seen | None:
    seen = await request.resources.lookup.named(given.client_id) if given else None
    return None if seen is None else request.resources.imported.known(seen)


async def certainly(request: OAuthRequest, given: Presented | None) -> Seen | None:
    """The client as it is now, whatever happened on any process before this call."""
    await request.resources.lookup.be_certain()
    seen = await look_up(request, given)
    if seen is None or given is None or given.client_secret is None:
        return seen
    try:
        return await request.resources.imported.settle(seen, given.client_secret, request.address)
    except TooManyFailures:
        await remember_throttling(request.resources, seen, request.address)
        raise


async def authenticated(request: OAuthRequest, *, public: bool = False) -> Found:
    """The client that calls, proved from certain facts; a public one, which proves nothing, only with `public`.

    Raises InvalidClient, or TooManyFailures.
    """
    given = presented(request.authorization, request.form)
    found = await certainly(request, given)
    try:
        _proved(given, found, public=public)
    except InvalidClient:
        await count_failure(request, given, found)
        raise
    assert found is not None
    return found


def _proved(given: Presented, found: Found | None, *, public: bool) -> None:
    if prove(given, found, utc_now()) is None and not public:
        raise InvalidClient


async def count_failure(request: OAuthRequest, given: Presented | None, found: Found | None) -> None:
    """Failures are counted per client and address; successes never are. Raises TooManyFailures."""
    try:
        await _count_failure(request, given)
    except TooManyFailures:
        await remember_throttling(request.resources, found, request.address)
        raise
    if given is not None:
        await remember_failure(request.resources, given, found, request.address)


async def _count_failure(request: OAuthRequest, given: Presented | None) -> None:
    """And, up to MANY_CLIENTS times as many, those of the address alone, which may name any number of clients."""
    limit = request.resources.settings.failed_auth_limit
    if limit == 0:
        return
    everybody = await request.resources.limits.count(f"failed {network(request.address)}")
    if everybody.used > MANY_CLIENTS * limit:
        raise TooManyFailures(everybody.seconds)
    # What has not the form of a client_id of ours is counted together: it may be anything, of any length. Imported clients, too.
    client_id = given.client_id if given and is_ours(given.client_id) else ""
    counted = await request.resources.limits.count(f"failed {request.address} {client_id}")
    if counted.used > limit:
        raise TooManyFailures(counted.seconds)
