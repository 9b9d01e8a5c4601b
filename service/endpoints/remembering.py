"""What was refused to somebody who came in a client's name, before there was anything that it could be an event of."""

from events.envelope import ByService, Meta
from events.log import Append
from events.refusal import AuthorizationRefused
from service.credentials import new_id
from service.oauth.server import utc_now
from service.request_id import this_request
from service.resources import Resources

MOST_REMEMBERED = 10
"""Of one client in a minute: strangers must not fill the log."""


async def remember_refusal(resources: Resources, client_id: str, why: str) -> None:
    """An event of its own, without what was sent."""
    counted = await resources.limits.count(f"refusal {client_id}")
    if counted.used > MOST_REMEMBERED:
        return
    refused = AuthorizationRefused(client_id=client_id, why=why, at=utc_now())
    meta = Meta(actor=ByService(why="a request in the name of a client was refused"), request_id=str(this_request()))
    await resources.ledger.log.append(Append(stream=new_id(), expected=0, events=[refused], meta=meta))
