"""An operator sets a user's password, because the user lost it."""

from typing import TYPE_CHECKING
from uuid import UUID

from events.envelope import Meta
from service.commands.handle import Ledger
from service.reactions import session_end

if TYPE_CHECKING:  # argon2 comes along, which most commands do not need
    from service.people.accounts import People


async def replace(people: "People", ledger: Ledger, user: UUID, password: str, meta: Meta) -> None:
    """Every session of the user ends, and every token issued to clients is revoked. Raises WeakPassword and NotFound."""
    await people.change_password(user, password, meta)
    await session_end.stop(ledger, user, "password_changed", meta)
