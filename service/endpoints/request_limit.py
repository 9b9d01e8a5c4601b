"""The limit on the requests of one caller in a minute, and the record of one who sends more."""

from starlette.types import Scope

from events.refusal import RequestsThrottled
from service.callers import Caller
from service.clock import utc_now
from service.grants.refusal_events import Sender, record_throttled_requests
from service.http.asgi import address
from service.people.throttle import network
from service.problems import TooMany, Unauthenticated
from service.resources import Resources


async def count_request(
    resources: Resources, caller: Caller | Unauthenticated, scope: Scope, headers: dict[str, str]
) -> None:
    """Count one more request of this caller, and add to the headers how many it may still send in this minute. Raises TooMany."""
    limit = resources.settings.rate_limit
    if limit == 0:
        return
    if isinstance(caller, Caller):
        counted = await resources.rate_limit.count(caller.limited_as)
    else:  # a stranger has no token, or guesses one, so strangers are counted exactly
        counted = await resources.limits.count(f"address {network(address(scope))}")
    headers.update(counted.headers(limit))
    if counted.used > limit:
        headers["Retry-After"] = str(counted.seconds)
        if counted.used == limit + 1:
            await record_throttling(resources, caller, limit, address(scope))
        raise TooMany(f"More than {limit} requests in this minute; try again in {counted.seconds} s.")


async def record_throttling(resources: Resources, caller: Caller | Unauthenticated, limit: int, origin: str) -> None:
    """Record that this caller sent more than the limit in a minute."""
    known = caller if isinstance(caller, Caller) else None
    throttled = RequestsThrottled(client_id=known and known.client_id, limit=limit, at=utc_now())
    shown = None if known and known.is_user else origin
    whose, scopes = (known.counted_as, known.scopes) if known else ("", ())
    sender = Sender(whose=whose, scopes=scopes, address=origin)
    await record_throttled_requests(resources, throttled, sender, shown)
