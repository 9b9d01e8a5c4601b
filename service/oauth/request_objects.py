"""The response_mode and state of a request object (OpenID Connect Core 1.0 section 6).

This server does not support request objects. A client that sends one gets an error, in the response mode and with the state that it
expects.
"""

from msgspec import Struct, ValidationError, json

from service.crypto.base64url import of_text

LONGEST = 16_384
"""In characters. A longer request object is not read."""


class Inside(Struct, frozen=True, kw_only=True):
    """Parameters of the request object. They are unverified, as are the plain parameters that they replace."""

    response_mode: str = "query"
    state: str | None = None


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
