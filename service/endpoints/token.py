"""POST /openid/token: choose the grant by grant_type (RFC 6749 sections 4.1.3, 4.4.2 and 6)."""

from service.grants import authorization_code, client_credentials, refresh_token
from service.grants.oauth_request import OAuthRequest


async def issue_token(request: OAuthRequest) -> bytes:
    """Return the body of the response. Raises a Refusal, also for an unknown grant type."""
    match request.form.get("grant_type"):
        case "authorization_code":
            return await authorization_code.redeem(request)
        case "refresh_token":
            return await refresh_token.exchange(request)
        case _:
            return await client_credentials.issue(request)
