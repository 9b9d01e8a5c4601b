"""The values of single parameters of an authorization request. What is wrong with one is a Fault, which the client is told."""

import re
from urllib.parse import urlsplit

from projections.clients import Found
from service.oauth import claims
from service.oauth.errors import InvalidRequest
from service.scopes import IDENTITY, MANAGEMENT, is_scope, split

PROMPTS = ("none", "login", "consent", "select_account")

_challenge = re.compile(r"[A-Za-z0-9\-_]{43}").fullmatch
_visible = re.compile(r"[\x20-\x7e]*").fullmatch
_number = re.compile(r"[0-9]{1,9}").fullmatch

Params = dict[str, str]


class Fault(Exception):
    """Something is wrong with the request: the error's code, and a sentence for whoever wrote the client."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def is_visible(text: str) -> bool:
    """RFC 6749 appendix A.5: state is of printable ASCII."""
    return _visible(text) is not None


def scopes(params: Params, found: Found) -> tuple[str, ...]:
    """Scopes of the management API are for machines: a person's yes gives nobody power over what is not the person's."""
    own = tuple(scope for scope in found.client.scopes if scope not in MANAGEMENT)
    asked = split(params.get("scope"))
    unknown = [scope for scope in asked if scope not in (*IDENTITY, *own) or not is_scope(scope)]
    if unknown:
        raise Fault(
            "invalid_scope",
            f"This client may not ask for: {' '.join(unknown)}. It may ask for: {' '.join((*IDENTITY, *own))}.",
        )
    if not asked and not own:
        raise Fault("invalid_scope", f"Name at least one scope, of: {' '.join(IDENTITY)}.")
    return asked or own


def challenge_of(params: Params, found: Found) -> str | None:
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if challenge is None:
        assert found.client.login is not None
        if found.client.login.require_pkce or method is not None:
            raise Fault(
                "invalid_request", "PKCE is required: send code_challenge and code_challenge_method=S256 (RFC 7636)."
            )
        return None
    if method != "S256":
        raise Fault("invalid_request", "code_challenge_method must be S256; plain protects nobody.")
    if not _challenge(challenge):
        raise Fault(
            "invalid_request", "code_challenge must be the SHA-256 of the verifier in base64url: 43 characters."
        )
    return challenge


def prompts(params: Params) -> tuple[str, ...]:
    asked = split(params.get("prompt"))
    unknown = [prompt for prompt in asked if prompt not in PROMPTS]
    if unknown:
        raise Fault("invalid_request", f"prompt may be: {', '.join(PROMPTS)}.")
    if "none" in asked and len(asked) > 1:
        raise Fault("invalid_request", "prompt=none stands alone.")
    return asked


def max_age(params: Params) -> int | None:
    text = params.get("max_age")
    if text is None:
        return None
    if not _number(text):
        raise Fault("invalid_request", "max_age must be a whole number of seconds.")
    return int(text)


def visible(params: Params, name: str) -> str | None:
    text = params.get(name)
    if text is not None and not is_visible(text):
        raise Fault("invalid_request", f"The parameter {name} has characters that are not printable ASCII.")
    return text


def resource(params: Params) -> str | None:
    """RFC 8707 section 2: an absolute URI without a fragment; the token is for it alone."""
    text = params.get("resource")
    if text is None:
        return None
    try:
        uri = urlsplit(text)
        good = (
            uri.scheme in ("https", "http")
            and bool(uri.hostname)
            and "#" not in text
            and text.isascii()
            and text.isprintable()
        )
    except ValueError:
        good = False
    if not good:
        raise Fault("invalid_target", "resource must be an absolute https URI without a fragment.")
    return text


def wanted_claims(params: Params) -> claims.Wanted:
    try:
        return claims.wanted(params.get("claims"))
    except InvalidRequest as fault:
        raise Fault("invalid_request", fault.description) from fault
