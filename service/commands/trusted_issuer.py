"""Commands on a trusted issuer, and `decide`. Only operators may send them."""

from datetime import datetime

from msgspec import UNSET, UnsetType, structs

from events.trusted_issuer import (
    ActiveIssuer,
    DeletedIssuer,
    DisabledIssuer,
    Keys,
    Purpose,
    Trust,
    TrustedIssuer,
    TrustedIssuerChanged,
    TrustedIssuerDeleted,
    TrustedIssuerDisabled,
    TrustedIssuerEnabled,
    TrustedIssuerEvent,
    TrustedIssuerRegistered,
    UnknownIssuer,
)
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist

NEVER_ASSERTS = "Only an issuer whose purposes include id_jag asserts users, so provisions must be false for this one."


class RegisterTrustedIssuer(OrdinaryCommand, frozen=True, kw_only=True):
    issuer: str
    trust: Trust
    at: datetime


class ChangeTrustedIssuer(OrdinaryCommand, frozen=True, kw_only=True):
    """What is UNSET stays as it is."""

    name: str | UnsetType = UNSET
    keys: Keys | UnsetType = UNSET
    algorithms: tuple[str, ...] | UnsetType = UNSET
    purposes: tuple[Purpose, ...] | UnsetType = UNSET
    audiences: tuple[str, ...] | UnsetType = UNSET
    provisions: bool | UnsetType = UNSET


class DisableTrustedIssuer(StoppingCommand, frozen=True, kw_only=True):
    pass


class EnableTrustedIssuer(OrdinaryCommand, frozen=True, kw_only=True):
    pass


class DeleteTrustedIssuer(StoppingCommand, frozen=True, kw_only=True):
    pass


TrustedIssuerCommand = (
    RegisterTrustedIssuer | ChangeTrustedIssuer | DisableTrustedIssuer | EnableTrustedIssuer | DeleteTrustedIssuer
)


def decide(command: TrustedIssuerCommand, issuer: TrustedIssuer) -> list[TrustedIssuerEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist or Contradiction."""
    match command, issuer:
        case RegisterTrustedIssuer(), UnknownIssuer():
            return [TrustedIssuerRegistered(issuer=command.issuer, trust=_consistent(command.trust), at=command.at)]
        case RegisterTrustedIssuer(), ActiveIssuer() | DisabledIssuer() | DeletedIssuer():
            raise Contradiction("A trusted issuer of this id was registered before, and an id is never used again.")
        case (
            ChangeTrustedIssuer() | DisableTrustedIssuer() | EnableTrustedIssuer() | DeleteTrustedIssuer(),
            UnknownIssuer() | DeletedIssuer(),
        ):
            raise DoesNotExist("There is no trusted issuer with this id.")
        case ChangeTrustedIssuer(), ActiveIssuer() | DisabledIssuer():
            return _change(command, issuer.trust)
        case DisableTrustedIssuer(), ActiveIssuer():
            return [TrustedIssuerDisabled()]
        case EnableTrustedIssuer(), DisabledIssuer():
            return [TrustedIssuerEnabled()]
        case DisableTrustedIssuer(), DisabledIssuer():
            return []
        case EnableTrustedIssuer(), ActiveIssuer():
            return []
        case DeleteTrustedIssuer(), ActiveIssuer() | DisabledIssuer():
            return [TrustedIssuerDeleted(issuer=issuer.issuer)]


def _change(command: ChangeTrustedIssuer, was: Trust) -> list[TrustedIssuerEvent]:
    given = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    trust = _consistent(was.__replace__(**given))
    return [] if trust == was else [TrustedIssuerChanged(trust=trust, was=was)]


def _consistent(trust: Trust) -> Trust:
    """Raises Contradiction."""
    if trust.provisions and "id_jag" not in trust.purposes:
        raise Contradiction(NEVER_ASSERTS)
    return trust
