"""Authorization responses (RFC 6749 section 4.1.2): what is sent to the client's redirect URI, and in which response mode.

The modes with `jwt` send one signed JWT with all parameters (JWT Secured Authorization Response Mode for OAuth 2.0, JARM).
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

from msgspec import Struct

from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.errors import plain
from service.oauth.signing import Signer
from service.oauth.tokens import sign_id_token

PLAIN_MODES = ("query", "fragment", "form_post")
SIGNED_MODES = {"jwt": "query", **{f"{mode}.jwt": mode for mode in PLAIN_MODES}}
"""How the JWT of each mode is sent. `jwt` is the default of the response type (JARM section 2.3.4), which is always code here."""

RESPONSE_MODES = (*PLAIN_MODES, *SIGNED_MODES)
RESPONSE_SECONDS = 600
"""The lifetime of a signed response: at most ten minutes (JARM section 2.1)."""

IN_A_URI = ":/%#?=@[]!$&'()*+,;"
"""What is not a letter or a digit, and means something in a URI."""

_is_plain = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


class Secured(Struct, frozen=True, kw_only=True):
    """For whom a response is signed, and how."""

    client_id: str
    alg: str


class Redirect(Struct, frozen=True, kw_only=True):
    """Parameters for a client, by `query`, `fragment` or `form_post` (OAuth 2.0 Multiple Response Types, Form Post Response Mode)."""

    uri: str
    mode: str
    params: dict[str, str]
    jwt: Secured | None = None
    """If the parameters are to be signed."""

    @property
    def location(self) -> str:
        """The URI with the parameters in its fragment, or appended to its existing query (RFC 6749 section 3.1.2), as a header may have it."""
        separator = "#" if self.mode == "fragment" else "&" if "?" in self.uri else "?"
        return f"{_quoted(self.uri)}{separator}{_encoded(self.params)}"

    def __repr__(self) -> str:
        return f"Redirect({self.uri!r})"


@lru_cache(maxsize=1024)
def _quoted(uri: str) -> str:
    return quote(uri, safe=IN_A_URI)


def _encoded(params: Mapping[str, str]) -> str:
    """Return what urlencode returns: the names are ours, and most values need no encoding."""
    return "&".join([f"{name}={_value(name, value)}" for name, value in params.items()])


def _value(name: str, value: str) -> str:
    if _is_plain(value):
        return value
    return _issuer(value) if name == "iss" else quote_plus(value)


_issuer = lru_cache(maxsize=16)(quote_plus)
"""That of each response is the same."""


def secured(redirect: Redirect, signer: Callable[[str], Signer]) -> Redirect:
    """Return the redirect with its parameters in a JWT, if its mode asks for that."""
    if redirect.jwt is None:
        return redirect
    claims = {**redirect.params, "aud": redirect.jwt.client_id, "exp": int(time.time()) + RESPONSE_SECONDS}
    response = sign_id_token(signer(redirect.jwt.alg), claims)
    return Redirect(uri=redirect.uri, mode=redirect.mode, params={"response": response})


def allowed(request: AuthorizationRequest, issuer: str, code: str) -> Redirect:
    """The successful response (RFC 6749 section 4.1.2)."""
    return _answer(request, issuer, {"code": code})


def refused(request: AuthorizationRequest, issuer: str, error: str, description: str) -> Redirect:
    """The error response (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section 3.1.2.6)."""
    return _answer(request, issuer, {"error": error, "error_description": plain(description)})


def _answer(request: AuthorizationRequest, issuer: str, params: dict[str, str]) -> Redirect:
    """Every response has `iss`, so that a client of several servers knows which one responded. This prevents mix-up attacks (RFC 9207)."""
    state = {} if request.state is None else {"state": request.state}
    mode = request.response_mode
    return Redirect(
        uri=request.redirect_uri,
        mode=SIGNED_MODES.get(mode, mode),
        params={**params, **state, "iss": issuer},
        jwt=Secured(client_id=request.client_id, alg=request.response_alg) if mode in SIGNED_MODES else None,
    )
