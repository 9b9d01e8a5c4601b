"""The fields of a client that say how it authenticates: their types, and the settings that follow from them.

It loads no cryptography, because the command line has these fields too; key_fields.py has the keys.
"""

from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, UnsetType

from events.client_security import AuthMethod, SecurityProfile
from projections.clients import Row
from service.commands.security_change import BY_SECRET, BySecret
from service.configuration.settings import Settings
from service.endpoints.fields import Fields
from service.network import redirect_uri

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
        description="How it authenticates (RFC 7591 section 2): with `private_key_jwt` it has a key and no secret, with `workload_identity` the tokens of a trusted issuer, with `none` it is public. "
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

CertificateName = Annotated[
    str,
    Meta(
        max_length=1000,
        description="What the certificate of the client says (RFC 8705 section 2.1.2): `tls_client_auth` needs exactly one of these names.",
    ),
]
CertificateBoundTokens = Annotated[
    bool,
    Meta(
        description="Whether each of its tokens is bound to the certificate of its TLS connection (RFC 8705 section 3)."
    ),
]

METHODS: tuple[AuthMethod, ...] = get_args(AuthMethod)


def is_public(fields: Fields[Any]) -> bool:
    """Whether the request registers a public client, in either way of saying so."""
    return fields.good("public") is True or fields.good("tokenEndpointAuthMethod") == NONE


def check_jwks_uri(fields: Fields[Any], settings: Settings) -> None:
    uri = fields.good("jwksUri")
    for fault in redirect_uri.backchannel_faults(uri, settings.issuer, settings.insecure_http_hosts) if uri else ():
        fields.fault("jwksUri", fault)


def method_of(asked: str | UnsetType | None) -> AuthMethod | BySecret | UnsetType:
    """Return the method that a change asks for. Secrets may be sent in either way, so the server does not keep which one was named."""
    if asked is UNSET or asked is None:
        return UNSET
    return asked if asked in METHODS else BY_SECRET


def shown_method(row: Row) -> SecretMethod | Literal["none"] | AuthMethod:
    return row.security.token_endpoint_auth_method or (NONE if row.public else BASIC)
