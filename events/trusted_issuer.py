"""The events of a trusted issuer, and the states that they lead to: another server whose signed tokens this server accepts."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Purpose = Literal["workload", "id_jag", "software_statement", "subject_token"]
"""What an issuer's tokens are accepted for: to authenticate a client, to assert a user (ID-JAG), to vouch for software at registration,
and as the subject of a token exchange.
"""


class PublicKey(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A public JWK (RFC 7517): of an elliptic curve (RFC 7518 section 6.2), RSA (section 6.3) or Ed25519 (RFC 8037)."""

    kty: str
    kid: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""


class KeysAt(Struct, frozen=True, kw_only=True, gc=False, tag_field="source", tag="jwks_uri"):
    """The issuer publishes its keys at this URL."""

    jwks_uri: str


class KeysDiscovered(Struct, frozen=True, kw_only=True, gc=False, tag_field="source", tag="discovery"):
    """The issuer's metadata says where its keys are (OpenID Connect Discovery 1.0, RFC 8414)."""


class KeysGiven(Struct, frozen=True, kw_only=True, gc=False, tag_field="source", tag="jwks"):
    """An operator copied the keys."""

    keys: tuple[PublicKey, ...]


Keys = KeysAt | KeysDiscovered | KeysGiven


class Trust(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What this server accepts of the issuer. Without `audiences`, a token must be for this server's own issuer identifier.

    `provisions` says that a user of an identity assertion who is unknown here becomes a user.
    """

    name: str
    keys: Keys
    algorithms: tuple[str, ...]
    purposes: tuple[Purpose, ...]
    audiences: tuple[str, ...] = ()
    provisions: bool = False


class TrustedIssuerRegistered(Struct, frozen=True, kw_only=True, gc=False, tag="trusted_issuer.registered"):
    """`issuer` is the `iss` of its tokens, or a SPIFFE trust domain (`spiffe://example.org`). It never changes."""

    issuer: str
    trust: Trust
    at: datetime


class TrustedIssuerChanged(Struct, frozen=True, kw_only=True, gc=False, tag="trusted_issuer.changed"):
    trust: Trust
    was: Trust


class TrustedIssuerDisabled(Struct, frozen=True, kw_only=True, gc=False, tag="trusted_issuer.disabled"):
    """Nothing of the issuer is accepted until it is enabled, and what followed from its tokens is inactive meanwhile."""


class TrustedIssuerEnabled(Struct, frozen=True, kw_only=True, gc=False, tag="trusted_issuer.enabled"):
    pass


class TrustedIssuerDeleted(Struct, frozen=True, kw_only=True, gc=False, tag="trusted_issuer.deleted"):
    issuer: str


TrustedIssuerEvent = (
    TrustedIssuerRegistered | TrustedIssuerChanged | TrustedIssuerDisabled | TrustedIssuerEnabled | TrustedIssuerDeleted
)


class UnknownIssuer(Struct, frozen=True):
    pass


class ActiveIssuer(Struct, frozen=True, kw_only=True, gc=False):
    issuer: str
    trust: Trust


class DisabledIssuer(Struct, frozen=True, kw_only=True, gc=False):
    issuer: str
    trust: Trust


class DeletedIssuer(Struct, frozen=True):
    pass


TrustedIssuer = UnknownIssuer | ActiveIssuer | DisabledIssuer | DeletedIssuer


def evolve(issuer: TrustedIssuer, event: TrustedIssuerEvent) -> TrustedIssuer:
    """Returns the issuer after the event. It never refuses."""
    match event:
        case TrustedIssuerRegistered():
            return ActiveIssuer(issuer=event.issuer, trust=event.trust)
        case TrustedIssuerDeleted():
            return DeletedIssuer()
        case _:
            return issuer if isinstance(issuer, UnknownIssuer | DeletedIssuer) else _changed(issuer, event)


def _changed(
    issuer: ActiveIssuer | DisabledIssuer,
    event: TrustedIssuerChanged | TrustedIssuerDisabled | TrustedIssuerEnabled,
) -> TrustedIssuer:
    match event:
        case TrustedIssuerChanged():
            return issuer.__replace__(trust=event.trust)
        case TrustedIssuerDisabled():
            return DisabledIssuer(issuer=issuer.issuer, trust=issuer.trust)
        case TrustedIssuerEnabled():
            return ActiveIssuer(issuer=issuer.issuer, trust=issuer.trust)
