"""Carries out a plan: appends its events, many at once. Each part of it is safe to repeat."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from events.database import read
from events.envelope import Meta
from events.ids import client_stream
from events.log import Append, Appended, Outcome
from events.replay import head
from events.waiting import in_turns
from projections import registry
from service.blast_radius.graph import Kind
from service.commands.handle import USER, Ledger, handle
from service.commands.user import DisableUser
from service.reactions import session_end
from service.refusals import DoesNotExist
from service.revocation.plan import REVOCABLE, WHY_SESSION, Token
from service.revocation.reads import Plan, Planned

Wanted = TypeVar("Wanted")

AT_ONCE = 500
"""Two such parts are under way at once, so the appends of other requests wait for no more than that."""

PEOPLE_AT_ONCE = 20
"""Fewer, because what follows from the end of a session is read one by one."""


async def carry_out(ledger: Ledger, plan: Plan, own: str | None, meta: Meta) -> int:
    """Return a position by which everything is recorded; 0 if other requests did it first. Raises Unavailable.

    The client `own`, as which the caller acts, its bot and its tokens come last: until then, the caller can repeat the request.
    """
    stream = None if own is None else client_stream(own)
    with_bot = any(each.step.stream == stream for each in plan.steps)
    positions = [0]
    for last in (False, True):
        steps = [
            each
            for each in plan.steps
            if (each.step.stream == stream or (with_bot and each.step.kind == "bot")) is last
        ]
        for kind in REVOCABLE:
            positions += await _stop(ledger, kind, [each for each in steps if each.step.kind == kind], meta)
        tokens = [token for token in plan.tokens if (token.revoked.client_id == own) is last]
        positions += await _append(ledger, tokens, partial(_revocation, meta))
    return max(positions)


async def _stop(ledger: Ledger, kind: Kind, steps: Sequence[Planned], meta: Meta) -> list[int]:
    """Return the positions of the events of steps of one kind."""
    if kind not in ("user", "session"):
        return await _append(ledger, steps, partial(_item, meta))
    positions: list[int] = []
    stop = _disable if kind == "user" else _end
    async for part in in_turns(steps, PEOPLE_AT_ONCE):
        await asyncio.gather(*(stop(ledger, planned.step.stream, meta) for planned in part))
        # What follows from the end of a session was appended after it.
        positions.append((await read(ledger.pool, head)).position)
    return positions


async def _append(ledger: Ledger, wanted: Sequence[Wanted], item: Callable[[Wanted], Append]) -> list[int]:
    """Return the positions. One part is made while the part before is committed."""
    positions: list[int] = []
    before: asyncio.Future[list[Outcome | BaseException]] | None = None
    async for part in in_turns(wanted, AT_ONCE):
        under_way = asyncio.gather(*(ledger.log.append(item(each)) for each in part), return_exceptions=True)
        if before is not None:
            positions += _positions(await before)
        before = under_way
    return positions if before is None else positions + _positions(await before)


def _positions(outcomes: Sequence[Outcome | BaseException]) -> list[int]:
    """Raises the first fault. What another request changed at the same time is left for the next plan."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome.position for outcome in outcomes if isinstance(outcome, Appended)]


def _item(meta: Meta, planned: Planned) -> Append:
    stream, past, events = planned.step.stream, planned.past, planned.decided.events
    changes = registry.changes(stream, past, events)
    return Append(stream=stream, expected=len(past), events=events, meta=meta, changes=changes)


def _revocation(meta: Meta, token: Token) -> Append:
    events = [token.revoked]
    changes = registry.changes(token.jti, [], events)
    return Append(stream=token.jti, expected=0, events=events, meta=meta, changes=changes)


async def _disable(ledger: Ledger, user: UUID, meta: Meta) -> None:
    try:
        handled = await handle(ledger, USER, user, DisableUser(), meta)
    except DoesNotExist:
        return  # The user was erased meanwhile, which stops more than this.
    await session_end.stop(ledger, user, "user_disabled", session_end.because(meta, handled))


async def _end(ledger: Ledger, session: UUID, meta: Meta) -> None:
    await session_end.end_session(ledger, session, WHY_SESSION, meta)
