"""What the ceiling programs and who asks them know of each other."""

from hashlib import sha256

ISSUER = "http://127.0.0.1"
TOKEN, TOKEN_BY_KEY = "/openid/token", "/openid/token-by-key"
URL = f"{ISSUER}{TOKEN}"
CLIENTS = 100
BEARER = "the-ceiling-program-knows-one-bearer"
SCOPE = "api:public"


def credentials(number: int) -> tuple[str, str]:
    """(client_id, client_secret) of a client that the programs know."""
    return f"oauth_client_{number:032x}", f"secret_{sha256(str(number).encode()).hexdigest()}"
