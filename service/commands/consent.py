"""Commands on a consent, and `decide`."""

from datetime import datetime
from uuid import UUID

from events.consent import Consent, Consented, ConsentEvent, ConsentGiven, ConsentWithdrawn, NoConsent
from service.commands.command import OrdinaryCommand, StoppingCommand


class GiveConsent(OrdinaryCommand, frozen=True, kw_only=True):
    """With `again`, it is an event also if the user allowed all of it before: what the client is may have changed since."""

    user: UUID
    client_id: str
    resource: str | None
    scopes: tuple[str, ...]
    at: datetime
    again: bool = False


class WithdrawConsent(StoppingCommand, frozen=True, kw_only=True):
    at: datetime


ConsentCommand = GiveConsent | WithdrawConsent


def decide(command: ConsentCommand, consent: Consent) -> list[ConsentEvent]:
    """Returns the events of the command. A user can allow more scopes, or withdraw the whole consent. It never refuses."""
    match command, consent:
        case WithdrawConsent(), Consented():
            return [ConsentWithdrawn(at=command.at)]
        case WithdrawConsent(), NoConsent():
            return []
        case GiveConsent(), NoConsent():
            return [_given(command, ())]
        case GiveConsent(), Consented():
            given = _given(command, consent.scopes)
            return [] if given.scopes == consent.scopes and not command.again else [given]


def _given(command: GiveConsent, before: tuple[str, ...]) -> ConsentGiven:
    return ConsentGiven(
        user=command.user,
        client_id=command.client_id,
        resource=command.resource,
        scopes=tuple(dict.fromkeys((*before, *command.scopes))),
        at=command.at,
    )
