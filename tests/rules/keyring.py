"""Signing keys without a database: a ring with one that signs, one that is next, and one that has retired."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey
from msgspec import convert, json

from events.signing_key import PublicJwk
from projections.signing_keys import Row
from service.oauth import signing
from service.oauth.keys import KeyRing
from service.oauth.signing import Signer
from service.oauth.tokens import Claims, Tokens, sign
from tests.rules.samples import AT

ISSUER, AUDIENCE = "https://id.example.com", "https://api.example.com"
NOW = int(datetime.now(UTC).timestamp())

KEYS = {name: ECKey.generate_key("P-256") for name in ("active", "next", "retired", "long gone")}
FOREIGN = ECKey.generate_key("P-256")

CLAIMS = Claims(
    iss=ISSUER,
    sub="bot-abc123",
    aud=AUDIENCE,
    client_id="oauth_client_0",
    scope="api:public crm:read",
    iat=NOW,
    exp=NOW + 3600,
    jti=UUID(int=1),
)


def public(key: ECKey) -> dict[str, Any]:
    return {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")}


def header(**changes: Any) -> bytes:
    fields = {"alg": "ES256", "kid": "active", "typ": "at+jwt", **changes}
    return json.encode({name: value for name, value in fields.items() if value is not None})


def signer(name: str, key: ECKey | None = None) -> Signer:
    private = (key or KEYS[name]).private_key
    assert private is not None
    return signing.signer(name, "ES256", private)


def signed(name: str, claims: Claims) -> str:
    """The access token."""
    return sign(signer(name), claims)


def row(name: str) -> Row:
    made = Row(
        stream_id=UUID(int=1),
        kid=name,
        alg="ES256",
        public_jwk=convert(public(KEYS[name]), PublicJwk),
        state="active",
        published_at=AT,
        activated_at=AT,
        retired_at=None,
        version=2,
    )
    retired = {"retired": datetime.now(UTC), "long gone": datetime.now(UTC) - timedelta(hours=2)}.get(name)
    return made.__replace__(retired_at=retired)


def ring() -> KeyRing:
    made = KeyRing(b"k" * 32, longest_token=timedelta(hours=1), longest_session=timedelta(days=1))
    made.know([row(name) for name in KEYS])
    made.signers = {"ES256": signer("active")}
    return made


def tokens() -> Tokens:
    return Tokens(ring(), issuer=ISSUER, audience=AUDIENCE)
