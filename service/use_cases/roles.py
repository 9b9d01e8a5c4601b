"""A user is given a role in the console, or it is taken away."""

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING
from uuid import UUID

from events.envelope import Meta
from events.user import Role
from service.clock import utc_now
from service.commands.authority import Holder
from service.commands.handle import USER, Handled, Ledger, handle
from service.commands.user import GiveRole, TakeRole

if TYPE_CHECKING:  # a real import would load argon2, which most commands do not need
    from service.people.accounts import People


async def give(
    people: "People",
    ledger: Ledger,
    user: UUID,
    role: Role,
    meta: Meta,
    *,
    by: Holder | None = None,
    only_at: AbstractSet[int] | None = None,
) -> Handled:
    """Raises NotPermitted if the role has more power than the caller; without `by`, the command line gives it."""
    command = GiveRole(role=role, at=utc_now(), by=by)
    return await handle(ledger, USER, user, command, await people.private(user, meta), only_at=only_at)


async def take(
    people: "People",
    ledger: Ledger,
    user: UUID,
    role: Role,
    meta: Meta,
    *,
    only_at: AbstractSet[int] | None = None,
) -> Handled:
    command = TakeRole(role=role, at=utc_now())
    return await handle(ledger, USER, user, command, await people.private(user, meta), only_at=only_at)
