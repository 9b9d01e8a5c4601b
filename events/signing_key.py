"""The events of a signing key, and the states that they lead to. The log never contains a private key."""

from datetime import datetime

from msgspec import Struct


class PublicJwk(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The public part of an elliptic-curve key (RFC 7518 section 6.2), an RSA key (section 6.3) or an Ed25519 key (RFC 8037)."""

    kty: str
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""


class SigningKeyPublished(Struct, frozen=True, kw_only=True, gc=False, tag="signing_key.published"):
    """The key is in the JWKS, so that resource servers know it before the first token is signed with it."""

    kid: str
    alg: str
    public_jwk: PublicJwk
    at: datetime


class SigningKeyActivated(Struct, frozen=True, kw_only=True, gc=False, tag="signing_key.activated"):
    at: datetime


class SigningKeyRetired(Struct, frozen=True, kw_only=True, gc=False, tag="signing_key.retired"):
    """The key signs no new tokens. It stays in the JWKS until the last token that it signed has expired."""

    at: datetime


SigningKeyEvent = SigningKeyPublished | SigningKeyActivated | SigningKeyRetired


class UnknownKey(Struct, frozen=True):
    pass


class PublishedKey(Struct, frozen=True):
    pass


class ActiveKey(Struct, frozen=True):
    pass


class RetiredKey(Struct, frozen=True):
    pass


SigningKey = UnknownKey | PublishedKey | ActiveKey | RetiredKey


def evolve(_key: SigningKey, event: SigningKeyEvent) -> SigningKey:
    """Returns the key after the event. It never refuses."""
    match event:
        case SigningKeyPublished():
            return PublishedKey()
        case SigningKeyActivated():
            return ActiveKey()
        case SigningKeyRetired():
            return RetiredKey()
