"""Withdraws a deleted API from the clients that are granted it, so that nobody has it if its identifier is registered again."""

import asyncio

from events.api import stream_of
from events.database import read
from events.envelope import Meta
from projections import apis, client_lists
from projections.client_lists import Standing
from service.commands.api_grants import WithdrawApi
from service.commands.handle import CLIENT, Ledger, handle
from service.refusals import DoesNotExist

AT_ONCE = 50


async def withdraw(ledger: Ledger, identifier: str, meta: Meta) -> int:
    """Return from how many clients. Safe to repeat. Raises Unavailable."""
    those = await read(ledger.pool, lambda connection: client_lists.of_api(connection, identifier))
    for start in range(0, len(those), AT_ONCE):
        await asyncio.gather(*(_withdraw(ledger, one, identifier, meta) for one in those[start : start + AT_ONCE]))
    return len(those)


async def finish(ledger: Ledger, identifier: str, meta: Meta) -> None:
    """Withdraw a deleted API from clients that still have it, because a process was killed in between."""
    if await read(ledger.pool, lambda connection: apis.was_deleted(connection, stream_of(identifier))):
        await withdraw(ledger, identifier, meta)


async def _withdraw(ledger: Ledger, client: Standing, identifier: str, meta: Meta) -> None:
    try:
        await handle(ledger, CLIENT, client.stream_id, WithdrawApi(identifier=identifier), meta)
    except DoesNotExist:  # deleted meanwhile
        return
