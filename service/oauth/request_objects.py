"""What a request object (OpenID Connect Core 1.0 section 6) says of how its client wants to be answered.

Request objects are not offered. A client that sends one all the same is told so, and told in the way that it can read.
"""

from msgspec import Struct, ValidationError, json

from service.crypto.base64url import of_text

LONGEST = 16_384
"""Characters. In a longer one nothing is looked for."""


class Inside(Struct, frozen=True, kw_only=True):
    """Nobody has proved any of it, as nobody has proved the plain parameters that it stands for."""

    response_mode: str = "query"
    state: str | None = None


def unverified_parameters(text: str | None) -> Inside:
    """The defaults, where there is no request object or none that can be read. An encrypted one has no such second part."""
    parts = (text or "").split(".", 3)
    payload = of_text(parts[1]) if len(parts) == 3 and len(parts[1]) <= LONGEST else None
    if payload is None:
        return Inside()
    try:
        return json.decode(payload, type=Inside)
    except (ValidationError, ValueError, RecursionError):
        return Inside()
