"""What may be asked of a signing key, and what comes of asking."""

from datetime import datetime

from msgspec import Struct

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
from service.problems import Clash, NotFound


class PublishKey(Struct, frozen=True, kw_only=True):
    kid: str
    alg: str
    public_jwk: PublicJwk
    at: datetime


class ActivateKey(Struct, frozen=True, kw_only=True):
    at: datetime


class RetireKey(Struct, frozen=True, kw_only=True):
    at: datetime


SigningKeyCommand = PublishKey | ActivateKey | RetireKey


def decide(command: SigningKeyCommand, key: SigningKey) -> list[SigningKeyEvent]:
    """What happens. Asking for what already is gives []. Raises NotFound or Clash."""
    match command, key:
        case PublishKey(), UnknownKey():
            return [SigningKeyPublished(kid=command.kid, alg=command.alg, public_jwk=command.public_jwk, at=command.at)]
        case PublishKey(), PublishedKey() | ActiveKey() | RetiredKey():
            raise Clash("This key was published before.")
        case ActivateKey() | RetireKey(), UnknownKey():
            raise NotFound("There is no such key.")
        case ActivateKey(), PublishedKey():
            return [SigningKeyActivated(at=command.at)]
        case ActivateKey(), ActiveKey():
            return []
        case ActivateKey(), RetiredKey():
            raise Clash("A retired key never signs again.")
        case RetireKey(), PublishedKey() | ActiveKey():
            return [SigningKeyRetired(at=command.at)]
        case RetireKey(), RetiredKey():
            return []
