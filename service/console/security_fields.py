"""The settings of an interactive client's sign-in requests and responses, and of devices, as fields of a form."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from events.client_security import USUAL_RESPONSE_ALG, AuthorizationResponseAlg, RequestObjectAlg, UserinfoAlg
from service.endpoints.client_settings import OAuthClient

YES = ("requirePushedAuthorizationRequests", "requireSignedRequestObject", "deviceGrant")
REQUEST_ALG, RESPONSE_ALG = "requestObjectSigningAlg", "authorizationSignedResponseAlg"
USERINFO_ALG = "userinfoSignedResponseAlg"
REQUEST_ALGS: Sequence[tuple[str, str]] = [(alg, alg) for alg in get_args(RequestObjectAlg)]
RESPONSE_ALGS: Sequence[tuple[str, str]] = [(alg, alg) for alg in get_args(AuthorizationResponseAlg)]
USERINFO_ALGS: Sequence[tuple[str, str]] = [(alg, alg) for alg in get_args(UserinfoAlg)]


def values(shown: OAuthClient) -> Mapping[str, str]:
    return {
        YES[0]: "yes" if shown.require_pushed_authorization_requests is True else "",
        YES[1]: "yes" if shown.require_signed_request_object is True else "",
        YES[2]: "yes" if shown.device_grant is True else "",
        REQUEST_ALG: shown.request_object_signing_alg or "",
        RESPONSE_ALG: shown.authorization_signed_response_alg or USUAL_RESPONSE_ALG,
        USERINFO_ALG: shown.userinfo_signed_response_alg or "",
    }


def body(form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the settings that the form has."""
    return {
        **{name: form[name] == "yes" for name in YES if name in form},
        **({REQUEST_ALG: form[REQUEST_ALG] or None} if REQUEST_ALG in form else {}),
        **({USERINFO_ALG: form[USERINFO_ALG] or None} if USERINFO_ALG in form else {}),
        **({RESPONSE_ALG: form[RESPONSE_ALG]} if form.get(RESPONSE_ALG) else {}),
    }
