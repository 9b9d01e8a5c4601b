"""Deletes clients that registered themselves, or are documents, once they are not in use. The deletions are events like all others."""

import logging

from events.database import AnyConnection, read
from events.envelope import ByService, Meta
from projections import self_registered, unused
from projections.as_of import Behind
from projections.client_lists import Standing
from service.commands.authority import EVERYBODY
from service.commands.client_registration import MOST_NEVER_USED
from service.commands.handle import Ledger
from service.crypto.credentials import new_id
from service.reactions.client_deletion import delete_clients

MOST = 200
"""Clients that are deleted in one round."""

log = logging.getLogger("muniment.housekeeping")


async def delete_unused(ledger: Ledger, days: int) -> int:
    """Delete clients that nobody has used for so many days, and return how many. If very many were never used at all, a day is enough
    for those. Raises Unavailable.
    """
    try:
        await read(ledger.pool, unused.check)
    except Behind as fault:
        if fault.failed:
            log.warning("clients that are not in use are not deleted: %s", fault)
        return 0
    deleted = await _delete(
        ledger, await read(ledger.pool, lambda c: self_registered.unused(c, days=days, most=MOST)), days
    )
    enough = MOST_NEVER_USED // 2
    if await read(ledger.pool, lambda c: _most_of_a_kind(c, enough)) >= enough:
        those = await read(ledger.pool, lambda c: self_registered.unused(c, days=1, most=MOST, only_never=True))
        deleted += await _delete(ledger, those, 1)
    return deleted


async def _most_of_a_kind(connection: AnyConnection, most: int) -> int:
    return max([await self_registered.never_used(connection, kind, most) for kind in self_registered.KINDS])


async def _delete(ledger: Ledger, those: list[Standing], days: int) -> int:
    if not those:
        return 0
    meta = Meta(actor=ByService(why=f"not used for {days} days"), request_id=str(new_id()))
    deleted = await delete_clients(ledger, those, EVERYBODY, meta)
    log.info("%s clients that registered themselves were deleted: not used for %s days", deleted.count, days)
    return deleted.count
