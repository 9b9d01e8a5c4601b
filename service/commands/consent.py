"""What may be asked of a consent, and what comes of asking."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.consent import Consent, Consented, ConsentEvent, ConsentGiven, ConsentWithdrawn, NoConsent


class GiveConsent(Struct, frozen=True, kw_only=True):
    user: UUID
    client_id: str
    resource: str | None
    scopes: tuple[str, ...]
    at: datetime


class WithdrawConsent(Struct, frozen=True, kw_only=True):
    at: datetime


ConsentCommand = GiveConsent | WithdrawConsent


def decide(command: ConsentCommand, consent: Consent) -> list[ConsentEvent]:
    """What happens: a person allows more, never less, until they take all of it back. Nothing is refused."""
    match command, consent:
        case WithdrawConsent(), Consented():
            return [ConsentWithdrawn(at=command.at)]
        case WithdrawConsent(), NoConsent():
            return []
        case GiveConsent(), _:
            before = consent.scopes if isinstance(consent, Consented) else ()
            scopes = tuple(dict.fromkeys((*before, *command.scopes)))
            if isinstance(consent, Consented) and scopes == before:
                return []
            return [
                ConsentGiven(
                    user=command.user,
                    client_id=command.client_id,
                    resource=command.resource,
                    scopes=scopes,
                    at=command.at,
                )
            ]
