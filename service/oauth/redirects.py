"""Authorization responses (RFC 6749 section 4.1.2): what is sent to the client's redirect URI, and in which response mode."""

from urllib.parse import urlencode

from msgspec import Struct

from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.errors import plain


class Redirect(Struct, frozen=True, kw_only=True):
    """Parameters for a client, by `query`, `fragment` or `form_post` (OAuth 2.0 Multiple Response Types, Form Post Response Mode)."""

    uri: str
    mode: str
    params: dict[str, str]

    @property
    def location(self) -> str:
        """The URI with the parameters in its fragment, or appended to its existing query (RFC 6749 section 3.1.2)."""
        separator = "#" if self.mode == "fragment" else "&" if "?" in self.uri else "?"
        return f"{self.uri}{separator}{urlencode(self.params)}"

    def __repr__(self) -> str:
        return f"Redirect({self.uri!r})"


def allowed(request: AuthorizationRequest, issuer: str, code: str) -> Redirect:
    """The successful response (RFC 6749 section 4.1.2)."""
    return _answer(request, issuer, {"code": code})


def refused(request: AuthorizationRequest, issuer: str, error: str, description: str) -> Redirect:
    """The error response (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section 3.1.2.6)."""
    return _answer(request, issuer, {"error": error, "error_description": plain(description)})


def _answer(request: AuthorizationRequest, issuer: str, params: dict[str, str]) -> Redirect:
    """Every response has `iss`, so that a client of several servers knows which one responded. This prevents mix-up attacks (RFC 9207)."""
    state = {} if request.state is None else {"state": request.state}
    return Redirect(uri=request.redirect_uri, mode=request.response_mode, params={**params, **state, "iss": issuer})
