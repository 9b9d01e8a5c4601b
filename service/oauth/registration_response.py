"""What a client learns of its registration: the metadata that was registered, whatever it asked for (RFC 7591 section 3.2.1). No I/O."""

from typing import Any

from msgspec import to_builtins

from events.client import Login
from events.client_key import PublicKey
from events.client_registration import About
from events.client_security import USUAL_SECURITY
from projections.clients import Row
from service.commands.key import BY_KEY
from service.crypto.credentials import Secret
from service.oauth.client_metadata import BASIC, CODE, NONE
from service.values.scopes import IDENTITY

PATH = "/openid/register"

SECURITY = (
    "jwks_uri",
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "request_object_signing_alg",
    "authorization_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_uris",
    "default_max_age",
    "require_auth_time",
)


def registered(row: Row, issuer: str, token: str, secret: Secret | None = None) -> dict[str, Any]:
    """Return the response. `token` is the registration access token; a new `secret` is shown in this response only."""
    assert row.registration is not None
    shown: dict[str, Any] = {
        "client_id": row.client_id,
        "client_id_issued_at": int(row.created_at.timestamp()),
        "registration_client_uri": f"{issuer}{PATH}/{row.client_id}",
        "registration_access_token": token,
        **_about(row, row.registration.about),
    }
    if secret is not None:
        shown |= {"client_secret": secret.reveal(), "client_secret_expires_at": 0}
    if row.login is not None:
        shown |= _login(row.login)
    if keys := row.keys:
        shown["jwks"] = {"keys": [_public(key) for key in keys]}
    for name in SECURITY:
        value = getattr(row.security, name)
        if value != getattr(USUAL_SECURITY, name):
            shown[name] = value
    return shown


def _about(row: Row, about: About) -> dict[str, Any]:
    named = {
        "client_name": row.display_name,
        "client_uri": about.client_uri,
        "logo_uri": about.logo_uri,
        "policy_uri": about.policy_uri,
        "tos_uri": about.tos_uri,
        "initiate_login_uri": about.initiate_login_uri,
        "contacts": list(about.contacts),
        "software_id": about.software_id,
        "software_version": about.software_version,
        "redirect_uris": list(row.redirect_uris),
        "scope": " ".join(_scope(row, about)),
    }
    return {
        "token_endpoint_auth_method": _method(row, about),
        "application_type": about.application_type,
        "grant_types": list(about.grant_types),
        "response_types": ["code"] if CODE in about.grant_types else [],
        **{name: value for name, value in named.items() if value},
    }


def _method(row: Row, about: About) -> str:
    """Return how it authenticates now, which an operator may have changed."""
    if row.public or row.security.token_endpoint_auth_method:
        return row.security.token_endpoint_auth_method or NONE
    said = about.token_endpoint_auth_method
    return BASIC if said == BY_KEY else said


def _public(key: PublicKey) -> dict[str, Any]:
    return {**to_builtins(key.jwk), "kid": key.kid, **({"alg": key.alg} if key.alg else {})}


def _scope(row: Row, about: About) -> list[str]:
    """Return what it asked for and still has, and what it has besides, which an operator may have given it."""
    kept = [scope for scope in about.scope if scope in IDENTITY or scope in row.scopes]
    return [*kept, *(scope for scope in row.scopes if scope not in kept)]


def _login(login: Login) -> dict[str, Any]:
    shown: dict[str, Any] = {"subject_type": "public", "id_token_signed_response_alg": login.id_token_alg}
    if login.post_logout_redirect_uris:
        shown["post_logout_redirect_uris"] = list(login.post_logout_redirect_uris)
    if login.backchannel_logout_uri:
        shown["backchannel_logout_uri"] = login.backchannel_logout_uri
        shown["backchannel_logout_session_required"] = True
    return shown
