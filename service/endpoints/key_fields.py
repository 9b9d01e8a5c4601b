"""The public keys in a request about a client: their checks, and what is stored of them."""

from datetime import datetime
from typing import Any, cast

from events.client_key import PublicKey, StoredKey
from service.commands.key import MOST_KEYS
from service.configuration.settings import Settings
from service.crypto.credentials import stored_key
from service.endpoints import workload_fields
from service.endpoints.authentication_fields import METHODS, NONE, check_jwks_uri, is_public
from service.endpoints.fields import Fields
from service.oauth import certificates
from service.oauth.client_keys import UnusableKey, parse


def check(fields: Fields[Any], settings: Settings) -> None:
    """Check the fields of a registration."""
    method, jwks = fields.good("tokenEndpointAuthMethod"), fields.good("jwks")
    if fields.good("public") is True and method not in (None, NONE):
        fields.fault("tokenEndpointAuthMethod", "must be none for a public client (public: true), or left out")
    if method == NONE and fields.good("m2m") is True:
        fields.fault("tokenEndpointAuthMethod", "must not be none for a machine (m2m: true), which has to authenticate")
    if is_public(fields):
        for name in ("jwks", "jwksUri", "workloadIdentities"):
            if fields.good(name):
                fields.fault(name, "is for clients that authenticate: a public client has no keys")
    for name in ("clientSecret", "clientSecretHash"):
        if method in METHODS and fields.good(name) is not None:
            fields.fault(name, f"is for clients that authenticate by a secret, and this one does by {method}")
    if jwks is not None:
        parsed_keys(jwks, fields)
    check_jwks_uri(fields, settings)
    check_certificate_names(fields)
    workload_fields.check(fields)


def check_certificate_names(fields: Fields[Any]) -> None:
    for name in ("Dns", "Uri", "Ip", "Email"):
        given = fields.good(f"tlsClientAuthSan{name}")
        if given is not None and not certificates.is_name(name.lower(), given):
            fields.fault(f"tlsClientAuthSan{name}", "is not such a name in ASCII, as certificates have it")
    subject = fields.good("tlsClientAuthSubjectDn")
    if subject is not None and not certificates.is_name("subject", subject):
        fields.fault("tlsClientAuthSubjectDn", "is not a distinguished name such as CN=crm,O=Example (RFC 4514)")


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


def registered_keys(jwks: dict[str, Any] | None, at: datetime) -> tuple[StoredKey, ...]:
    """Return the keys of a request that `check` found good."""
    if jwks is None:
        return ()
    keys = [parse(jwk) for jwk in jwks["keys"]]
    return tuple(
        stored_key(key, name=f"first {number}" if len(keys) > 1 else "first", at=at)
        for number, key in enumerate(keys, 1)
    )
