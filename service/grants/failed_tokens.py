"""Failed tokens of a registration: counted for each network of addresses and recorded, as failed client authentications are."""

from events.refusal import WhyNot
from projections.clients import Found
from service.grants.client_authentication import MANY_CLIENTS
from service.grants.refusal_events import record_failure, record_throttling
from service.oauth.errors import TooManyFailures
from service.people.throttle import network
from service.resources import Resources


async def count_failed_token(
    resources: Resources, client_id: str, why: WhyNot, found: Found | None, address: str
) -> None:
    """`client_id` is the one that the request names, "" if it names none. Raises TooManyFailures."""
    limit = resources.settings.failed_auth_limit
    if limit:
        counted = await resources.limits.count(f"failed {network(address)}")
        if counted.used > MANY_CLIENTS * limit:
            await record_throttling(resources, found, address)
            raise TooManyFailures(counted.seconds)
    await record_failure(resources, client_id, why, found, address)
