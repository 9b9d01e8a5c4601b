"""An operator sets a user's password, because the user lost it."""

from typing import TYPE_CHECKING
from uuid import UUID

from events.envelope import Meta
from service.commands.handle import Ledger
from service.reactions import session_end

if TYPE_CHECKING:  # a real import would load argon2, which most commands do not need
    from service.people.accounts import People


async def replace(people: "People", ledger: Ledger, user: UUID, password: str, meta: Meta) -> None:
    """Set the password, end every session of the user, and revoke every token issued to clients.

    Raises WeakPassword and DoesNotExist.
    """
    handled = await people.change_password(user, password, meta)
    await session_end.stop(ledger, user, "password_changed", session_end.because(meta, handled))
