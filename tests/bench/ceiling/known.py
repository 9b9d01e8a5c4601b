"""What the ceiling programs and who asks them know of each other."""

from hashlib import sha256
from uuid import UUID

ISSUER = "http://127.0.0.1:8000"
KID = "ceiling".ljust(43, "-")
"""As long as ours, which is a thumbprint."""

TOKEN, TOKEN_BY_KEY = "/openid/token", "/openid/token-by-key"
URL = f"{ISSUER}{TOKEN}"
CLIENTS, SESSIONS = 100, 1500
BEARER = "the-ceiling-program-knows-one-bearer"
SCOPE = "api:public"
COOKIE = "session"
POSITION = 500
"""A position of which the programs know how each client was."""


BY_RS256, BY_ES256 = 0, 1
"""The clients that log people in, too: by an ID token that is signed so."""


def credentials(number: int) -> tuple[str, str]:
    """(client_id, client_secret) of a client that the programs know."""
    return f"oauth_client_{number:032x}", f"secret_{sha256(str(number).encode()).hexdigest()}"


def session(number: int) -> str:
    """The value of the cookie of a session that the programs know: its id, and what proves it."""
    return f"{UUID(int=number).hex}.session-{number}"
