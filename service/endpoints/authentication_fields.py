"""The fields of a client that say how it authenticates: their types, their checks, and the settings that follow from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from msgspec import UNSET, Meta, UnsetType

from events.client_key import PublicKey, StoredKey
from events.client_security import AuthMethod, SecurityProfile
from projections.clients import Row
from service.commands.key import BY_KEY, MOST_KEYS
from service.commands.security_change import BY_SECRET, BySecret
from service.configuration.settings import Settings
from service.crypto.credentials import new_id
from service.endpoints.fields import Fields
from service.network import redirect_uri
from service.oauth.client_keys import UnusableKey, parse

BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"

SecretMethod = Literal["client_secret_basic", "client_secret_post"]
ConfidentialMethod = Annotated[
    SecretMethod | AuthMethod,
    Meta(
        description="How it authenticates (RFC 7591 section 2). A client with a secret may send it in either way. "
        "Secrets and keys of another method are kept, but not accepted."
    ),
]
TokenEndpointAuthMethod = Annotated[
    SecretMethod | Literal["none"] | AuthMethod,
    Meta(
        description="How it authenticates (RFC 7591 section 2): with `private_key_jwt` it has a key and no secret, with `none` it is public. "
        "If omitted: by its secret, or not at all if it is public."
    ),
]
JwksUri = Annotated[
    str,
    Meta(
        max_length=2000,
        description="Where its public keys are (RFC 7517), instead of `jwks`: `https`, without fragment.",
    ),
]

SecurityProfileName = Annotated[
    SecurityProfile,
    Meta(
        description="`fapi2`: the client keeps the FAPI 2.0 Security Profile. Its assertions name the issuer alone, as a text, and are not "
        "signed with RS256. It needs a key, bound tokens and, if users sign in through it, pushed requests and PKCE."
    ),
]

METHODS: tuple[AuthMethod, ...] = (BY_KEY,)


def is_public(fields: Fields[Any]) -> bool:
    """Whether the request registers a public client, in either way of saying so."""
    return fields.good("public") is True or fields.good("tokenEndpointAuthMethod") == NONE


def check(fields: Fields[Any], settings: Settings) -> None:
    """Check the fields of a registration."""
    method, jwks = fields.good("tokenEndpointAuthMethod"), fields.good("jwks")
    if fields.good("public") is True and method not in (None, NONE):
        fields.fault("tokenEndpointAuthMethod", "must be none for a public client (public: true), or left out")
    if method == NONE and fields.good("m2m") is True:
        fields.fault("tokenEndpointAuthMethod", "must not be none for a machine (m2m: true), which has to authenticate")
    if is_public(fields):
        for name in ("jwks", "jwksUri"):
            if fields.good(name) is not None:
                fields.fault(name, "is for clients that authenticate: a public client has no keys")
    for name in ("clientSecret", "clientSecretHash"):
        if method in METHODS and fields.good(name) is not None:
            fields.fault(name, f"is for clients that authenticate by a secret, and this one does by {method}")
    if jwks is not None:
        parsed_keys(jwks, fields)
    check_jwks_uri(fields, settings)


def check_jwks_uri(fields: Fields[Any], settings: Settings) -> None:
    uri = fields.good("jwksUri")
    for fault in redirect_uri.backchannel_faults(uri, settings.issuer, settings.insecure_http_hosts) if uri else ():
        fields.fault("jwksUri", fault)


def parsed_keys(jwks: dict[str, Any], fields: Fields[Any]) -> list[PublicKey]:
    """Return the keys of a JWK Set. Their faults go to `fields`."""
    keys = jwks.get("keys")
    given = cast("list[object]", keys) if isinstance(keys, list) else []
    if not given:
        fields.fault("jwks", 'must be a JWK Set with at least one key: {"keys": […]}')
        return []
    if len(given) > MOST_KEYS:
        fields.fault("jwks", f"has more than {MOST_KEYS} keys")
        return []
    found: list[PublicKey] = []
    for number, jwk in enumerate(given):
        try:
            found.append(parsed_key(jwk))
        except UnusableKey as fault:
            fields.fault("jwks", f"[{number}] {fault}")
    return found


def parsed_key(jwk: object) -> PublicKey:
    """Raises UnusableKey."""
    if not isinstance(jwk, dict):
        raise UnusableKey("is not a JSON object")
    return parse(cast("dict[str, object]", jwk))


def stored_key(key: PublicKey, *, name: str, at: datetime, expires_at: datetime | None = None) -> StoredKey:
    return StoredKey(
        jwk=key.jwk,
        thumbprint=key.thumbprint,
        kid=key.kid,
        alg=key.alg,
        key_id=new_id(),
        name=name,
        created_at=at,
        expires_at=expires_at,
    )


def registered_keys(jwks: dict[str, Any] | None, at: datetime) -> tuple[StoredKey, ...]:
    """Return the keys of a request that `check` found good."""
    given: Sequence[Any] = () if jwks is None else jwks["keys"]
    keys = [parse(jwk) for jwk in given]
    return tuple(
        stored_key(key, name=f"first {number}" if len(keys) > 1 else "first", at=at)
        for number, key in enumerate(keys, 1)
    )


def method_of(asked: str | UnsetType | None) -> AuthMethod | BySecret | UnsetType:
    """Return the method that a change asks for. Secrets may be sent in either way, so the server does not keep which one was named."""
    if asked is UNSET or asked is None:
        return UNSET
    return asked if asked in METHODS else BY_SECRET


def shown_method(row: Row) -> SecretMethod | Literal["none"] | AuthMethod:
    return row.security.token_endpoint_auth_method or (NONE if row.public else BASIC)
