"""Requests and responses about trusted issuers: one struct each, and the rules of their fields."""

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, cast

from msgspec import UNSET, Meta, Struct, UnsetType, convert, field

from events.trusted_issuer import Keys, KeysAt, KeysDiscovered, KeysGiven, PublicKey, Purpose, Trust
from service.commands.trusted_issuer import NEVER_ASSERTS, ChangeTrustedIssuer
from service.configuration import issuer as issuers
from service.endpoints.client_fields import Created
from service.endpoints.fields import Fields
from service.network import hosts
from service.oauth.client_keys import NOT_PUBLIC, UnusableKey, parse
from service.oauth.foreign_claims import SPIFFE
from service.oauth.foreign_tokens import ALGORITHMS
from service.oauth.issuer_keys import OF_ISSUERS
from service.values.each_once import each_once
from service.values.text import NAME

MOST_KEYS = 20
X509_SVID = "x509-svid"
USUAL_ALGORITHMS: Sequence["Algorithm"] = ("RS256", "PS256", "ES256", "EdDSA")

_trust_domain = re.compile(r"spiffe://[a-z0-9][a-z0-9._\-]{0,253}").fullmatch

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Name = Annotated[
    str,
    Meta(min_length=1, max_length=100, description="A name for people.", extra_json_schema={"pattern": NAME}),
]
Issuer = Annotated[
    str,
    Meta(
        max_length=500,
        description="The `iss` of its tokens, exactly: an `https` URL; or a SPIFFE trust domain such as `spiffe://example.org`, "
        "which its tokens name in `sub`. It never changes.",
    ),
]
Purposes = Annotated[
    list[Purpose],
    Meta(
        min_length=1,
        max_length=4,
        description="What its tokens are accepted for: `workload` (to authenticate clients), `id_jag` (to assert users, "
        "draft-ietf-oauth-identity-assertion-authz-grant), `software_statement` (at registration, RFC 7591), `subject_token` (in a "
        "token exchange, RFC 8693).",
    ),
]
JwksUri = Annotated[
    str,
    Meta(
        max_length=2000,
        description="Where it publishes its keys. Without this and `jwks`, its metadata says so (OpenID Connect Discovery, RFC 8414).",
        extra_json_schema={"format": "uri"},
    ),
]
Jwks = Annotated[dict[str, Any], Meta(description='Its public keys (RFC 7517), instead of a URL: `{"keys": […]}`.')]
Algorithms = Annotated[
    list[Algorithm],
    Meta(min_length=1, max_length=len(ALGORITHMS), description="The algorithms that may sign its tokens."),
]
Audiences = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=500)]],
    Meta(
        max_length=20,
        description="One of these must be in the `aud` of its tokens; none: this server's issuer identifier. An identity assertion is "
        "always for this server's issuer identifier alone.",
    ),
]
Provisions = Annotated[
    bool, Meta(description="Whether a user of an identity assertion who is unknown here is registered as a user.")
]


class CreateTrustedIssuerRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to trust another server's signed tokens."""

    issuer: Issuer
    name: Name
    purposes: Purposes
    jwks_uri: JwksUri | None = None
    jwks: Jwks | None = None
    algorithms: Algorithms = field(default_factory=lambda: [*USUAL_ALGORITHMS])
    audiences: Audiences = []
    provisions: Provisions = False


class ChangeTrustedIssuerRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to change what is accepted of a trusted issuer: the fields that are given (RFC 7396).

    `jwksUri` replaces `jwks`, and the other way round; with both null, its metadata says where its keys are.
    """

    name: Name | UnsetType = UNSET
    purposes: Purposes | UnsetType = UNSET
    jwks_uri: JwksUri | UnsetType | None = UNSET
    jwks: Jwks | UnsetType | None = UNSET
    algorithms: Algorithms | UnsetType = UNSET
    audiences: Audiences | UnsetType = UNSET
    provisions: Provisions | UnsetType = UNSET


class TrustedIssuer(Struct, frozen=True, kw_only=True, rename="camel"):
    """Another server whose signed tokens are accepted."""

    id: str
    issuer: str
    name: str
    purposes: list[Purpose]
    jwks_uri: str | None
    jwks: dict[str, list[PublicKey]] | None
    algorithms: list[str]
    audiences: list[str]
    provisions: bool
    state: Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
    created_utc: Created


def check_new(fields: Fields[CreateTrustedIssuerRequest], us: str, insecure: frozenset[str]) -> None:
    """`us` is this server's own issuer identifier."""
    issuer = fields.good("issuer")
    if issuer is not None and (fault := issuer_fault(issuer, us, insecure)):
        fields.fault("issuer", fault)
    _check_keys(fields, insecure)
    given = fields.good("jwksUri") is not None or fields.good("jwks") is not None
    if issuer is not None and issuer.startswith(SPIFFE) and not given and not fields.errors:
        fields.fault("jwksUri", "is required, or jwks: a trust domain has no metadata that says where its keys are")
    if fields.good("provisions") and "id_jag" not in (fields.good("purposes") or ()):
        fields.fault("provisions", NEVER_ASSERTS)


def check_changed(fields: Fields[ChangeTrustedIssuerRequest], insecure: frozenset[str]) -> None:
    _check_keys(fields, insecure)


def _check_keys(fields: Fields[Any], insecure: Collection[str]) -> None:
    url, jwks = fields.good("jwksUri"), fields.good("jwks")
    if url is not None and jwks is not None:
        fields.fault("jwks", "and jwksUri are two sources of keys; send one of them")
    if url is not None and (fault := url_fault(url, insecure)):
        fields.fault("jwksUri", fault)
    if jwks is not None:
        for fault in jwks_faults(jwks):
            fields.fault("jwks", fault)


def issuer_fault(text: str, us: str, insecure: frozenset[str]) -> str | None:
    if text == us:
        return "is this server itself"
    if text.startswith(f"{SPIFFE}:"):
        return None if _trust_domain(text) else "must name a trust domain alone, in lower case: spiffe://example.org"
    return issuers.fault(text.removesuffix("/"), insecure)


def url_fault(text: str, insecure: Collection[str]) -> str | None:
    """Return what is wrong with the URL of a key set. An operator gives it, so it may be in a private network."""
    try:
        parts = hosts.split(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if not host or hosts.fault(host) or "@" in parts.netloc or "#" in text or not text.isascii() or " " in text:
        return "must be a URL with a host and without user or fragment"
    if parts.scheme == "https" or (parts.scheme == "http" and hosts.allows_http(host, insecure)):
        return None
    return "must be https (plain http is for this machine only, or a host in MUNIMENT_INSECURE_HTTP_HOSTS)"


def jwks_faults(jwks: dict[str, Any]) -> list[str]:
    """Return what is wrong with a key set: only public keys that verify signatures are kept."""
    keys = _of_tokens(jwks)
    if not 0 < len(keys) <= MOST_KEYS:
        return [f"must have keys: a list of 1 to {MOST_KEYS} public keys"]
    return [f"keys[{at}] {fault}" for at, each in enumerate(keys) if (fault := _key_fault(each))]


def _of_tokens(jwks: dict[str, Any]) -> list[Any]:
    """Return its keys without those with which a SPIFFE trust domain signs certificates."""
    keys = jwks.get("keys")
    given = cast("list[Any]", keys) if isinstance(keys, list) else []
    return [
        each for each in given if not isinstance(each, dict) or cast("dict[str, Any]", each).get("use") != X509_SVID
    ]


def _key_fault(jwk: Any) -> str | None:
    if not isinstance(jwk, dict):
        return "is not a JWK"
    if any(name in jwk for name in NOT_PUBLIC):
        return "is a private or secret key; send the public one, and replace this key, which was sent to a stranger"
    try:
        parse(cast("dict[str, object]", jwk), OF_ISSUERS)
    except UnusableKey as fault:
        return str(fault).rstrip(".")
    return None


def trust_of(asked: CreateTrustedIssuerRequest) -> Trust:
    return Trust(
        name=asked.name,
        keys=_keys(asked.jwks_uri, asked.jwks),
        algorithms=each_once(asked.algorithms),
        purposes=each_once(asked.purposes),
        audiences=each_once(asked.audiences),
        provisions=asked.provisions,
    )


def change_of(asked: ChangeTrustedIssuerRequest) -> ChangeTrustedIssuer:
    url, jwks = asked.jwks_uri, asked.jwks
    untouched = url is UNSET and jwks is UNSET
    return ChangeTrustedIssuer(
        name=asked.name,
        keys=UNSET if untouched else _keys(None if url is UNSET else url, None if jwks is UNSET else jwks),
        algorithms=each_once(asked.algorithms),
        purposes=each_once(asked.purposes),
        audiences=each_once(asked.audiences),
        provisions=asked.provisions,
    )


def _keys(jwks_uri: str | None, jwks: dict[str, Any] | None) -> Keys:
    if jwks_uri is not None:
        return KeysAt(jwks_uri=jwks_uri)
    if jwks is None:
        return KeysDiscovered()
    return KeysGiven(keys=tuple(convert(each, PublicKey) for each in _of_tokens(jwks)))
