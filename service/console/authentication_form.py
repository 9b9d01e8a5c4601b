"""How a client authenticates, what its tokens are bound to, and what it may do with the tokens of others, as fields of a form."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.commands.authority import DEMANDS
from service.console import rows
from service.console.forms import FormState
from service.console.rows import ASSERTIONS, EXCHANGES, WORKLOADS
from service.endpoints.authentication_fields import BASIC
from service.endpoints.client_settings import OAuthClient
from service.values.camel import camel

METHOD, JWKS_URI = "tokenEndpointAuthMethod", "jwksUri"
BY_CERTIFICATE, BY_WORKLOAD = "tls_client_auth", "workload_identity"
KEYS = ("private_key_jwt", "self_signed_tls_client_auth")
"""The methods of clients that have keys, registered or at an address."""

NAME, NAME_KIND = "certificateName", "certificateNameKind"
NAME_KINDS: Sequence[str] = tuple(
    f"tlsClientAuth{each}" for each in ("SubjectDn", "SanDns", "SanUri", "SanIp", "SanEmail")
)
"""The fields of the API of which a client has one: the form has the name and which of them it is."""

PROFILE = "securityProfile"
YES = ("tlsClientCertificateBoundAccessTokens", "dpopBoundAccessTokens")
NEW_POWER = (METHOD, JWKS_URI, *NAME_KINDS)
LISTS = (WORKLOADS, EXCHANGES, ASSERTIONS)
MORE_POWER = (*LISTS, "redirectUris")
NEWLY_ON = ("firstParty", "deviceGrant")
PKCE: Sequence[bool | None] = (False, None, True)
"""The values of requirePkce: each demands more than the one before. None is the rule of the deployment."""

GROUPS: Mapping[str, Sequence[str]] = {
    "authentication": (METHOD, "jwks", JWKS_URI, NAME, WORKLOADS),
    "tokens": (PROFILE, *YES),
    "delegation": (EXCHANGES, ASSERTIONS),
}
NEW: Mapping[str, str] = {METHOD: BASIC, PROFILE: "", **dict.fromkeys(YES, "")}
"""The fields of a client that says nothing of these settings."""


def values(client: OAuthClient) -> Mapping[str, str]:
    names = {
        NAME_KINDS[0]: client.tls_client_auth_subject_dn,
        NAME_KINDS[1]: client.tls_client_auth_san_dns,
        NAME_KINDS[2]: client.tls_client_auth_san_uri,
        NAME_KINDS[3]: client.tls_client_auth_san_ip,
        NAME_KINDS[4]: client.tls_client_auth_san_email,
    }
    kind = next((kind for kind in NAME_KINDS if names[kind]), NAME_KINDS[0])
    return {
        METHOD: client.token_endpoint_auth_method,
        JWKS_URI: client.jwks_uri or "",
        NAME_KIND: kind,
        NAME: names[kind] or "",
        PROFILE: client.security_profile or "",
        YES[0]: "yes" if client.tls_client_certificate_bound_access_tokens else "",
        YES[1]: "yes" if client.dpop_bound_access_tokens else "",
        **rows.values(WORKLOADS, client.workload_identities),
        **rows.values(EXCHANGES, client.token_exchange),
        **rows.values(ASSERTIONS, client.identity_assertions),
    }


def changed(form: Mapping[str, str], before: Mapping[str, str] = NEW) -> Mapping[str, Any]:
    """Return the settings that the form has otherwise than the fields from before. Only those of the chosen method are sent."""
    now, usual = said(form), said(before)
    others = {NAME_KINDS: (BY_CERTIFICATE,), (JWKS_URI,): KEYS, (WORKLOADS,): (BY_WORKLOAD,)}
    unused = {name for names, methods in others.items() if form.get(METHOD) not in methods for name in names}
    return {
        name: value
        for name, value in now.items()
        if name not in unused and value != usual.get(name, [] if isinstance(value, list) else None)
    }


def gives_power(change: Mapping[str, Any], usual: Mapping[str, Any]) -> bool:
    """Return whether a change of these settings of the API lets somebody in who was not before: by a method or a key, for others, where
    codes are sent to, past the consent of users, or with less than was demanded.
    """
    if any(change.get(name) is not None for name in NEW_POWER):
        return True
    more = any(each not in usual.get(name, ()) for name in MORE_POWER for each in change.get(name, ()))
    on = any(change.get(name) and not usual.get(name) for name in NEWLY_ON)
    demands = [name for name in map(camel, DEMANDS) if name in change]
    less = any(usual.get(name) and change[name] != usual[name] for name in demands)
    return more or on or less or _needs_pkce(change, usual) < _needs_pkce(usual, {})


def _needs_pkce(said: Mapping[str, Any], otherwise: Mapping[str, Any]) -> int:
    return PKCE.index(said.get("requirePkce", otherwise.get("requirePkce")))


def shown(form: FormState) -> FormState:
    """Return the form with each fault of the API at its field."""
    found = rows.shown(form)
    errors: dict[str, list[str]] = {}
    for name, faults in found.errors.items():
        errors.setdefault(NAME if name in NAME_KINDS else name, []).extend(faults)
    return found.__replace__(errors=errors)


def said(form: Mapping[str, str]) -> dict[str, Any]:
    """Return every setting that the fields say, as the API has it."""
    one = form.get(NAME, "").strip() or None
    lists = {name: rows.things(name, form) for name in LISTS}
    return {
        **({METHOD: form[METHOD]} if METHOD in form else {}),
        **({JWKS_URI: form[JWKS_URI].strip() or None} if JWKS_URI in form else {}),
        **({kind: one if kind == form.get(NAME_KIND) else None for kind in NAME_KINDS} if NAME in form else {}),
        **({PROFILE: form[PROFILE] or None} if PROFILE in form else {}),
        **{name: form[name] == "yes" for name in YES if name in form},
        **{name: found for name, found in lists.items() if found is not None},
    }
