"""Commands on a signing key, and `decide`."""

from datetime import datetime

from events.signing_key import (
    ActiveKey,
    PublicJwk,
    PublishedKey,
    RetiredKey,
    SigningKey,
    SigningKeyActivated,
    SigningKeyEvent,
    SigningKeyPublished,
    SigningKeyRetired,
    UnknownKey,
)
from service.commands.command import OrdinaryCommand
from service.refusals import Contradiction, DoesNotExist


class PublishKey(OrdinaryCommand, frozen=True, kw_only=True):
    kid: str
    alg: str
    public_jwk: PublicJwk
    at: datetime


class ActivateKey(OrdinaryCommand, frozen=True, kw_only=True):
    at: datetime


class RetireKey(OrdinaryCommand, frozen=True, kw_only=True):
    at: datetime


SigningKeyCommand = PublishKey | ActivateKey | RetireKey


def decide(command: SigningKeyCommand, key: SigningKey) -> list[SigningKeyEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist or Contradiction."""
    match command, key:
        case PublishKey(), UnknownKey():
            return [SigningKeyPublished(kid=command.kid, alg=command.alg, public_jwk=command.public_jwk, at=command.at)]
        case PublishKey(), PublishedKey() | ActiveKey() | RetiredKey():
            raise Contradiction("This key was published before.")
        case ActivateKey() | RetireKey(), UnknownKey():
            raise DoesNotExist("There is no such key.")
        case ActivateKey(), PublishedKey():
            return [SigningKeyActivated(at=command.at)]
        case ActivateKey(), ActiveKey():
            return []
        case ActivateKey(), RetiredKey():
            raise Contradiction("A retired key never signs again.")
        case RetireKey(), PublishedKey() | ActiveKey():
            return [SigningKeyRetired(at=command.at)]
        case RetireKey(), RetiredKey():
            return []
