"""A user adds or removes a second factor: an authenticator app or a passkey."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from events.envelope import Meta
from service.commands.handle import USER, Ledger, handle
from service.commands.user import AddFactor, RemoveFactor
from service.people import factors
from service.people.factors import Kept, Passkey

if TYPE_CHECKING:  # a real import would load argon2, which most commands do not need
    from service.people.accounts import People


async def add(people: "People", ledger: Ledger, user: UUID, kept: Kept, meta: Meta) -> None:
    """Raises PasskeyTaken if an account already has this passkey, and what `decide` raises for one factor too many."""
    factor, name = await factors.sealed(people, user, kept), None
    if isinstance(kept.what, Passkey):
        name = await people.vault.add_passkey(user, kept.factor_id, kept.what.credential_id)
    await handle(ledger, USER, user, AddFactor(factor=factor, name=name), meta)


async def remove(ledger: Ledger, user: UUID, factor_ids: Sequence[UUID], meta: Meta) -> None:
    """Raises what `decide` raises for a factor that the user does not have."""
    for factor_id in factor_ids:
        await handle(ledger, USER, user, RemoveFactor(factor_id=factor_id), meta)
