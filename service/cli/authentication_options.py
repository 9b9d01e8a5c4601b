"""How a client authenticates and what its tokens are bound to, as options and as fields of the API's requests."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import typer
from msgspec import UNSET

from events import client_security
from service.cli.opening import Plainly
from service.cli.panels import AUTHENTICATION, TOKENS
from service.endpoints.workload_fields import WorkloadIdentityFields
from service.values.workload_option import AUDIENCE, SINGLE_USE, words_of

NAMES = {
    "subject": "tls_client_auth_subject_dn",
    "dns": "tls_client_auth_san_dns",
    "uri": "tls_client_auth_san_uri",
    "ip": "tls_client_auth_san_ip",
    "email": "tls_client_auth_san_email",
}
"""The field of each kind of name that a certificate has (RFC 8705 section 2.1.2)."""

OPTIONS = {
    "tokenEndpointAuthMethod": "--auth-method",
    "jwks": "--jwks",
    "jwksUri": "--jwks-uri",
    "tlsClientAuthSubjectDn": "--certificate-name",
    "tlsClientAuthSanDns": "--certificate-name",
    "tlsClientAuthSanUri": "--certificate-name",
    "tlsClientAuthSanIp": "--certificate-name",
    "tlsClientAuthSanEmail": "--certificate-name",
    "tlsClientCertificateBoundAccessTokens": "--certificate-bound",
    "workloadIdentities": "--workload",
    "securityProfile": "--profile",
    "dpopBoundAccessTokens": "--dpop-bound",
}
WRONG_WORKLOAD = (
    "--workload is an issuer and a subject, and after them audience=TEXT and single-use, if you want them: "
    "'https://ci.example.com repo:acme/crm:ref:refs/heads/main audience=https://auth.example.com single-use'"
)
AUTH_METHODS: Mapping[str, Literal["client_secret_basic"] | client_security.AuthMethod] = {
    "secret": "client_secret_basic",
    "private_key_jwt": "private_key_jwt",
    "tls_client_auth": "tls_client_auth",
    "self_signed_tls_client_auth": "self_signed_tls_client_auth",
    "workload_identity": "workload_identity",
}
AuthMethod = Annotated[
    Literal["secret", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "workload_identity"] | None,
    typer.Option(
        "--auth-method",
        metavar="WORD",
        help="How it authenticates: secret; private_key_jwt (--jwks or --jwks-uri); tls_client_auth (a certificate of a CA: "
        "--certificate-name); self_signed_tls_client_auth (a certificate by its key: --jwks or --jwks-uri); workload_identity "
        "(tokens of its platform: --workload).",
        show_default=False,
        rich_help_panel=AUTHENTICATION,
    ),
]
Jwks = Annotated[
    str | None,
    typer.Option(
        "--jwks",
        metavar="FILE",
        help="Its public keys as JSON (a JWK Set), or its certificate as PEM; - is the standard input.",
        show_default=False,
        rich_help_panel=AUTHENTICATION,
    ),
]
JwksUri = Annotated[
    str | None,
    typer.Option(
        "--jwks-uri",
        metavar="URI",
        help="Where its public keys are.",
        show_default=False,
        rich_help_panel=AUTHENTICATION,
    ),
]
CertificateName = Annotated[
    str | None,
    typer.Option(
        "--certificate-name",
        metavar="KIND:TEXT",
        help=f'The one name that its certificate has, and its kind, of {", ".join(NAMES)}: "subject:CN=crm,O=Example" or '
        '"dns:crm.example.com".',
        show_default=False,
        rich_help_panel=AUTHENTICATION,
    ),
]
Workloads = Annotated[
    list[str] | None,
    typer.Option(
        "--workload",
        metavar="TEXT",
        help='Whose tokens authenticate it: a trusted issuer and a subject with a space between, such as "https://ci.example.com '
        'repo:acme/crm:ref:refs/heads/main". After them may be audience=TEXT (their aud; else each that is accepted of the issuer) and '
        "single-use (each token authenticates one request). A text with a space stands in quotes. May be repeated, and is the whole list.",
        show_default=False,
        rich_help_panel=AUTHENTICATION,
    ),
]
Profile = Annotated[
    Literal["fapi2", "none"] | None,
    typer.Option(
        "--profile",
        metavar="WORD",
        help="The security profile that it keeps: fapi2 (it needs a key or certificate, bound tokens and, if users sign in, --require-par "
        "yes and --require-pkce yes) or none.",
        show_default=False,
        rich_help_panel=AUTHENTICATION,
    ),
]
PROFILES: Mapping[str, Literal["fapi2"] | None] = {"fapi2": "fapi2", "none": None}
DpopBound = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--dpop-bound",
        metavar="WORD",
        help="Whether each of its tokens is bound to a key of the client (DPoP): yes or no.",
        show_default=False,
        rich_help_panel=TOKENS,
    ),
]
CertificateBound = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--certificate-bound",
        metavar="WORD",
        help="Whether each of its tokens is bound to the certificate of its connection (mTLS): yes or no.",
        show_default=False,
        rich_help_panel=TOKENS,
    ),
]


def names_of(text: str | None) -> dict[str, str | None]:
    """Return the fields of all kinds of names, of which one has a value; none if `text` is empty. Raises Plainly."""
    if text is None:
        return {}
    kind, _, name = text.partition(":")
    if text and (kind not in NAMES or not name):
        raise Plainly(
            f"--certificate-name is a kind ({', '.join(NAMES)}) and a name: subject:CN=crm,O=Example or dns:crm.example.com"
        )
    return {field: name if each == kind else None for each, field in NAMES.items()}


def changed_names(text: str | None) -> dict[str, Any]:
    """Return the same fields for a change, in which the one name replaces any other. Not given: UNSET."""
    return {**dict.fromkeys(NAMES.values(), UNSET), **names_of(text)}


def workloads_of(values: Iterable[str]) -> list[WorkloadIdentityFields]:
    """Raises Plainly."""
    return [_workload(value) for value in values if value]


def _workload(value: str) -> WorkloadIdentityFields:
    try:
        words = words_of(value)
    except ValueError as fault:
        raise Plainly(WRONG_WORKLOAD) from fault
    audiences = [word.removeprefix(AUDIENCE) for word in words[2:] if word.startswith(AUDIENCE)]
    others = [word for word in words[2:] if not word.startswith(AUDIENCE)]
    if len(words) < 2 or len(audiences) > 1 or others not in ([], [SINGLE_USE]):
        raise Plainly(WRONG_WORKLOAD)
    return WorkloadIdentityFields(
        issuer=words[0], subject=words[1], audience=next(iter(audiences), None), single_use=bool(others)
    )
