"""The settings of an interactive client's sign-in requests and responses, and of devices, as fields of a form."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from msgspec import UNSET

from events.client_security import USUAL_RESPONSE_ALG, AuthorizationResponseAlg, RequestObjectAlg, UserinfoAlg
from service.console import authentication_form, rows
from service.console.forms import FormState, number
from service.console.screen import ConsoleVisit
from service.endpoints.client_settings import OAuthClient
from service.values import typed_lists

YES = ("requirePushedAuthorizationRequests", "requireSignedRequestObject", "deviceGrant", "requireAuthTime")
REQUEST_ALG, RESPONSE_ALG = "requestObjectSigningAlg", "authorizationSignedResponseAlg"
USERINFO_ALG = "userinfoSignedResponseAlg"
REQUEST_URIS, MAX_AGE, PKCE = "requestUris", "defaultMaxAge", "requirePkce"
AGE_DIGITS = 8
USUAL: Mapping[str, str] = {RESPONSE_ALG: USUAL_RESPONSE_ALG}
FIELDS: Sequence[str] = (*YES, REQUEST_ALG, RESPONSE_ALG, USERINFO_ALG, REQUEST_URIS, MAX_AGE, PKCE)
REQUEST_ALGS: Sequence[tuple[str, str]] = [(alg, alg) for alg in get_args(RequestObjectAlg)]
RESPONSE_ALGS: Sequence[tuple[str, str]] = [(alg, alg) for alg in get_args(AuthorizationResponseAlg)]
USERINFO_ALGS: Sequence[tuple[str, str]] = [(alg, alg) for alg in get_args(UserinfoAlg)]


def values(shown: OAuthClient) -> Mapping[str, str]:
    return {
        YES[0]: "yes" if shown.require_pushed_authorization_requests is True else "",
        YES[1]: "yes" if shown.require_signed_request_object is True else "",
        YES[2]: "yes" if shown.device_grant is True else "",
        YES[3]: "yes" if shown.require_auth_time is True else "",
        MAX_AGE: "" if shown.default_max_age is UNSET or shown.default_max_age is None else str(shown.default_max_age),
        REQUEST_URIS: "\n".join(shown.request_uris or ()),
        REQUEST_ALG: shown.request_object_signing_alg or "",
        RESPONSE_ALG: shown.authorization_signed_response_alg or USUAL_RESPONSE_ALG,
        USERINFO_ALG: shown.userinfo_signed_response_alg or "",
    }


def body(form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the settings that the form has."""
    age = form.get(MAX_AGE, "").strip()
    return {
        **{name: form[name] == "yes" for name in YES if name in form},
        **({MAX_AGE: number(age, AGE_DIGITS) if age else None} if MAX_AGE in form else {}),
        **({REQUEST_URIS: typed_lists.uris(form[REQUEST_URIS])} if REQUEST_URIS in form else {}),
        **({REQUEST_ALG: form[REQUEST_ALG] or None} if REQUEST_ALG in form else {}),
        **({USERINFO_ALG: form[USERINFO_ALG] or None} if USERINFO_ALG in form else {}),
        **({RESPONSE_ALG: form[RESPONSE_ALG]} if form.get(RESPONSE_ALG) else {}),
    }


def context(visit: ConsoleVisit, form: FormState) -> Mapping[str, Any]:
    """Return what the groups of these settings need (templates/client_security.html)."""
    return {
        "opened": opened(form),
        "number": rows.number,
        "pkce_of_all": visit.browser.resources.settings.pkce_of_all,
        "request_algs": REQUEST_ALGS,
        "response_algs": RESPONSE_ALGS,
        "userinfo_algs": USERINFO_ALGS,
    }


def opened(form: FormState) -> set[str]:
    """Return the groups of security settings that say something, or have a fault: the others are closed."""
    found = {name.partition(".")[0] for name, value in form.values.items() if value != _USUAL.get(name, "")}
    found |= {name.partition(".")[0] for name in form.errors}
    return {group for group, names in _GROUPS.items() if found & set(names)}


_USUAL = {**USUAL, **authentication_form.NEW}
_GROUPS = {**authentication_form.GROUPS, "sign_in": FIELDS}
