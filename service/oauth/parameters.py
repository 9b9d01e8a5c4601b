"""The parameters of an authorization request, one function each. An invalid value raises a Fault, which is sent to the client."""

import re
from collections.abc import Collection, Iterable

from msgspec import UNSET

from projections.clients import Found
from service.network import hosts
from service.oauth import claims
from service.oauth.errors import InvalidRequest
from service.values.scopes import IDENTITY, INTROSPECT, MANAGEMENT, split

SEND_PKCE = "Send code_challenge and code_challenge_method=S256 (RFC 7636)"
NOT_REQUIRED = "set the client's requirePkce to false"
MUST_PUSH = (
    "This client pushes its authorization requests: its requirePushedAuthorizationRequests is true. "
    "Send the parameters to /openid/par, and only client_id and the request_uri of the response here (RFC 9126)."
)
MUST_SIGN = (
    "This client signs its authorization requests: its requireSignedRequestObject is true. Send the parameters in the JWT request, signed "
    "with a registered key of the client (RFC 9101)."
)
NO_RESOURCE = "The parameter resource must be an absolute URI without a fragment: of a registered API, or https (http for loopback alone)."
PROMPTS = ("none", "login", "consent", "select_account")

_challenge = re.compile(r"[A-Za-z0-9\-_]{43}").fullmatch
_visible = re.compile(r"[\x20-\x7e]*").fullmatch
_uri = re.compile(r"https?://[\x21-\x7e]+").fullmatch
_number = re.compile(r"[0-9]{1,9}").fullmatch

Params = dict[str, str]


class Fault(Exception):
    """The request is invalid: the error code of RFC 6749 section 4.1.2.1, and a sentence for the developer of the client."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def is_visible(text: str) -> bool:
    """Whether the text is printable ASCII, as state must be (RFC 6749 appendix A.5)."""
    return _visible(text) is not None


def granted(asked: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requested scopes that the client may have; the token response names them (RFC 6749 section 3.3). Raises Fault.

    `own` are those that it may have beside those about a person. Unknown scopes are ignored, as OpenID Connect Core 1.0 section 3.1.2.1
    says: applications request other providers' scopes by default.
    """
    allowed = (*IDENTITY, *own)
    kept = tuple(scope for scope in asked if scope in allowed)
    if not kept:
        why = "The client may have none of the scopes that it asks for" if asked else "The request names no scope"
        raise Fault("invalid_scope", f"{why}. Ask for at least one of: {' '.join(allowed)}.{with_commas(asked)}")
    return kept


def with_commas(refused: Iterable[str]) -> str:
    """Return a hint for the developer of a client that separates scopes by commas, as some other servers have it."""
    return (
        " Spaces separate scopes, commas do not (RFC 6749 section 3.3)." if any("," in each for each in refused) else ""
    )


def own_scopes_of_persons(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a client's own scopes that it may request from a user, for the default audience.

    Scopes of the management API are for machines only: a user cannot grant power over resources that are not the user's own.
    """
    return tuple(scope for scope in scopes if scope not in MANAGEMENT and not scope.startswith(INTROSPECT))


def challenge_of(params: Params, found: Found, *, of_all: bool) -> str | None:
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise Fault(
                "invalid_request",
                "The parameter code_challenge_method needs a code_challenge beside it (RFC 7636 section 4.3).",
            )
        pkce_is_used(None, found, of_all=of_all)
        return None
    if method != "S256":
        raise Fault("invalid_request", "The parameter code_challenge_method must be S256; plain protects nobody.")
    if not _challenge(challenge):
        raise Fault(
            "invalid_request",
            "The parameter code_challenge must be the SHA-256 of the verifier in base64url: 43 characters.",
        )
    return challenge


def pkce_is_used(challenge: str | None, found: Found, *, of_all: bool) -> None:
    """Raises Fault if the client must use PKCE and does not. `of_all` is the deployment's rule if the client has none of its own."""
    login = found.client.login
    assert login is not None
    if challenge is not None:
        return
    if found.client.public:
        raise Fault("invalid_request", f"A public client needs PKCE, whatever its requirePkce. {SEND_PKCE}.")
    if login.require_pkce is True:
        raise Fault(
            "invalid_request", f"This client needs PKCE: its requirePkce is true. {SEND_PKCE}, or {NOT_REQUIRED}."
        )
    if login.require_pkce is UNSET and of_all:
        raise Fault(
            "invalid_request",
            f"This server needs PKCE of every client whose requirePkce is null (MUNIMENT_REQUIRE_PKCE=all). {SEND_PKCE}, or {NOT_REQUIRED}.",
        )


def is_pushed(found: Found, *, pushed: bool) -> None:
    """Raises Fault if the client must push its requests (RFC 9126 section 6) and did not push this one."""
    if found.client.security.require_pushed_authorization_requests and not pushed:
        raise Fault("invalid_request", MUST_PUSH)


def thumbprint(params: Params) -> str | None:
    """The key to which the code is bound (RFC 9449 section 10)."""
    text = params.get("dpop_jkt")
    if text is not None and not _challenge(text):
        raise Fault(
            "invalid_request",
            "The parameter dpop_jkt must be the SHA-256 thumbprint of a key (RFC 7638) in base64url: 43 characters.",
        )
    return text


def is_signed(found: Found, *, signed: bool) -> None:
    """Raises Fault if the client must sign its requests (RFC 9101 section 10.5) and did not sign this one."""
    if found.client.security.require_signed_request_object and not signed:
        raise Fault("invalid_request", MUST_SIGN)


def prompts(params: Params) -> tuple[str, ...]:
    asked = split(params.get("prompt"))
    unknown = [prompt for prompt in asked if prompt not in PROMPTS]
    if unknown:
        raise Fault("invalid_request", f"The parameter prompt may be: {', '.join(PROMPTS)}.")
    if "none" in asked and len(asked) > 1:
        raise Fault("invalid_request", "The parameter prompt must not have none beside another value.")
    return asked


def max_age(params: Params, usual: int | None = None) -> int | None:
    """`usual` is that of a request without one (OpenID Connect Dynamic Client Registration 1.0 section 2)."""
    text = params.get("max_age")
    if text is None:
        return usual
    if not _number(text):
        raise Fault("invalid_request", "The parameter max_age must be a whole number of seconds.")
    return int(text)


def visible(params: Params, name: str) -> str | None:
    text = params.get(name)
    if text is not None and not is_visible(text):
        raise Fault("invalid_request", f"The parameter {name} has characters that are not printable ASCII.")
    return text


def is_resource(text: str, insecure: Collection[str] = ()) -> bool:
    """Whether the text is an absolute URI without a fragment (RFC 8707 section 2), with https, or http for an allowed host."""
    if "#" in text or not _uri(text):
        return False
    try:
        host = hosts.split(text).hostname
    except ValueError:
        return False
    return bool(host) and (text.startswith("https://") or hosts.allows_http(host, insecure))


def wanted_claims(params: Params) -> claims.Wanted:
    try:
        return claims.wanted(params.get("claims"))
    except InvalidRequest as fault:
        raise Fault("invalid_request", fault.description) from fault
