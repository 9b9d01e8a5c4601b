"""Request objects (RFC 9101, OpenID Connect Core 1.0 section 6): that one is not valid, and what it says nevertheless.

A client without keys gets an error for its request object, in the response mode and with the state that it expects.
"""

from msgspec import Struct, ValidationError, json

from service.crypto.base64url import of_text
from service.oauth.parameters import Fault, Params

LONGEST = 16_384
"""In characters. A longer request object is not read without its signature."""


class BadRequestObject(Fault):
    def __init__(self, why: str) -> None:
        super().__init__("invalid_request_object", f"The request object is not valid. {why}")


class Inside(Struct, frozen=True, kw_only=True):
    """Parameters of the request object. They are unverified, as are the plain parameters that they replace."""

    response_mode: str | None = None
    state: str | None = None
    redirect_uri: str | None = None

    @property
    def params(self) -> Params:
        said = {"response_mode": self.response_mode, "state": self.state, "redirect_uri": self.redirect_uri}
        return {name: value for name, value in said.items() if value}


def unverified_parameters(text: str | None) -> Inside:
    """Return the defaults if there is no readable request object. An encrypted one (JWE) has five parts and is not readable."""
    parts = (text or "").split(".", 3)
    payload = of_text(parts[1]) if len(parts) == 3 and len(parts[1]) <= LONGEST else None
    if payload is None:
        return Inside()
    try:
        return json.decode(payload, type=Inside)
    except (ValidationError, ValueError, RecursionError):
        return Inside()
