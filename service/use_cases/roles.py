"""A user is given a role in the console, or it is taken away, by a person or because of the user's groups."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING
from uuid import UUID

from events.envelope import Meta
from events.user import Role, UserRoleTaken
from service.clock import utc_now
from service.commands.authority import Holder
from service.commands.handle import USER, Handled, Ledger, handle
from service.commands.user import GiveRole, SetGroupRoles, TakeRole

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
    """Take the role, even if it came through a group: then it comes back at the user's next sign-in through the upstream provider."""
    command = TakeRole(role=role, at=utc_now())
    return await handle(ledger, USER, user, command, await people.private(user, meta), only_at=only_at)


async def set_by_groups(people: "People", ledger: Ledger, user: UUID, roles: Sequence[Role], meta: Meta) -> Handled:
    """Give and take what the user has through groups. Roles that a person gave stay."""
    command = SetGroupRoles(roles=tuple(roles), at=utc_now())
    return await handle(ledger, USER, user, command, await people.private(user, meta))


def came_through_a_group(taken: Handled) -> bool:
    """Return whether a role that was taken comes back at the user's next sign-in through the upstream provider."""
    return any(isinstance(event, UserRoleTaken) and event.source == "group" for event in taken.events)
