"""The revocation of everything that follows from a compromise: it is computed and stopped, again and again, until nothing is left."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct, field

from events.database import Pool, read
from events.envelope import Meta
from events.log import Append, Appended
from events.revocation import RevocationOrdered
from events.transparency import kept
from events.transparency.trees import EVENTS
from service.blast_radius.graph import Node
from service.blast_radius.report import Named, Radius
from service.clock import utc_now
from service.commands.handle import Ledger
from service.configuration.upstream import Upstream
from service.crypto.credentials import new_id
from service.people.last_operator import LAST, leaves_none
from service.refusals import Contradiction
from service.revocation import appends, reads
from service.revocation.plan import REVOCABLE, counted
from service.revocation.reads import Plan
from service.revocation.receipt import OWN_ACCOUNT, RevocationReceipt, notes

MOST_ROUNDS = 20
"""Each stops as much as one walk reaches."""

CHECKPOINT_SECONDS, LOOK_SECONDS = 2.0, 0.05
"""How long the receipt waits for the checkpoint that covers it, and how often it looks. One is made every second."""


class Order(Struct, frozen=True, kw_only=True):
    """Where the compromise began, and when. The caller acts as the client `own`, if it is one, and is `user`, if it is a person.
    `upstream` is the provider through whose groups people have roles.

    The reason in `meta` is sealed if the origin is about a user.
    """

    origin: Node
    since: datetime
    own: str | None
    user: UUID | None = None
    upstream: Upstream | None = None
    meta: Meta


class Course(Struct, kw_only=True):
    """What was found and stopped so far. `last` is the last position of it, and `exp` when the last token expires.

    `account` says what becomes of the account of the person who orders it; "" if nothing does.
    """

    exp: int = 0
    stopped: set[Node] = field(default_factory=set[Node])
    position: int = 0
    complete: bool = False
    includes_own: bool = False
    account: str = ""
    first: int | None = None
    last: int | None = None

    def add(self, plan: Plan, order: Order) -> None:
        self.exp = max(self.exp, plan.exp)
        self.stopped.update(plan.nodes)
        self.position, self.complete = plan.position, plan.complete
        self.includes_own |= plan.includes(order.own)


async def preview(ledger: Ledger, order: Order) -> RevocationReceipt:
    """Return what `revoke` would do now. Raises Unavailable."""
    radius, plan = await _everything(ledger, order)
    course = Course()
    course.add(plan, order)
    course.account = await _of_account(ledger, order, plan)
    return _receipt(order, radius, course, dry=True)


async def revoke(ledger: Ledger, order: Order) -> RevocationReceipt:
    """Raises Unavailable. What was not done then is done when it is repeated. Raises Contradiction if it stops the last operator."""
    radius, plan = await _everything(ledger, order)
    course = Course()
    for _ in range(MOST_ROUNDS):
        course.add(plan, order)
        if not plan.nodes:
            break
        course.account = await _of_account(ledger, order, plan) or course.account
        if course.account == LAST:
            raise Contradiction(LAST)
        await _carry_out(ledger, order, radius, plan, course)
        plan = await reads.live(ledger.pool, order.origin, order.since)
    else:
        course.complete = False
    checkpoint = None if course.last is None else await _checkpoint(ledger.pool, course.last)
    return _receipt(order, radius, course, checkpoint=checkpoint)


async def _everything(ledger: Ledger, order: Order) -> tuple[Radius, Plan]:
    radius, plan = await reads.everything(ledger.pool, order.origin, order.since)
    return radius, plan if plan.complete else await reads.live(ledger.pool, order.origin, order.since)


async def _of_account(ledger: Ledger, order: Order, plan: Plan) -> str:
    """Return what becomes of the account of the person who orders it. (Who stops other operators has that power.)"""
    if order.user not in plan.users:
        return ""
    return LAST if await leaves_none(ledger.pool, order.upstream, plan.users) else OWN_ACCOUNT


async def _carry_out(ledger: Ledger, order: Order, radius: Radius, plan: Plan, course: Course) -> None:
    if course.first is None:
        course.first = course.last = await _ordered(ledger, order, radius)
    meta = order.meta.__replace__(cause=course.first, reason=None)
    course.last = max(course.last or 0, await appends.carry_out(ledger, plan, order.own, meta))


async def _ordered(ledger: Ledger, order: Order, radius: Radius) -> int:
    """Records the order itself, which is the cause of all that follows from it, and returns its position."""
    event = RevocationOrdered(
        kind=order.origin.kind,
        id=order.origin.id,
        since=order.since,
        position=radius.position,
        counts=radius.counts,
        complete=radius.complete,
        at=utc_now(),
    )
    outcome = await ledger.log.append(
        Append(stream=new_id(), expected=0, is_fresh=True, events=[event], meta=order.meta)
    )
    assert isinstance(outcome, Appended), "its stream is new"
    return outcome.position


async def _checkpoint(pool: Pool, position: int) -> str | None:
    """Return the first checkpoint that covers the position, or None if there is none within CHECKPOINT_SECONDS."""
    until = time.monotonic() + CHECKPOINT_SECONDS
    while True:
        found = await read(pool, lambda connection: kept.from_size(connection, EVENTS, position))
        if found is not None or time.monotonic() > until:
            return None if found is None else found.note.decode()
        await asyncio.sleep(LOOK_SECONDS)


def _receipt(
    order: Order, radius: Radius, course: Course, *, checkpoint: str | None = None, dry: bool = False
) -> RevocationReceipt:
    revocable = {node for node in (order.origin, *(node for node, _ in radius.reached)) if node.kind in REVOCABLE}
    until = datetime.fromtimestamp(course.exp, UTC) if course.exp > time.time() else None
    receipt = RevocationReceipt(
        origin=Named(kind=order.origin.kind, id=order.origin.id),
        since=order.since,
        dry_run=dry,
        position=course.position,
        complete=course.complete,
        follows=radius.counts,
        revoked=counted(course.stopped),
        unchanged=counted(revocable - course.stopped),
        first_position=course.first,
        last_position=course.last,
        tokens_valid_until=until,
        checkpoint=checkpoint,
        notes=[],
    )
    return receipt.__replace__(notes=notes(receipt, order.own if course.includes_own else None, course.account))
