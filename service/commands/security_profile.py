"""What a client needs that promises to keep a security profile (FAPI 2.0 Security Profile section 5.3.2.1)."""

from events.client import ClientCredentials, Grant, Login
from events.client_security import Security
from service.commands.key import BY_WORKLOAD
from service.refusals import InvalidValue

FAPI = "fapi2"


def keeps_profile(security: Security, login: Login, grant: Grant) -> None:
    """Raises InvalidValue, which names everything that a client of the profile lacks."""
    if security.security_profile != FAPI:
        return
    is_machine = isinstance(grant, ClientCredentials)
    needed = {
        "tokenEndpointAuthMethod: private_key_jwt": security.token_endpoint_auth_method not in (None, BY_WORKLOAD),
        "dpopBoundAccessTokens: true": security.dpop_bound_access_tokens
        or security.tls_client_certificate_bound_access_tokens,
        "requirePushedAuthorizationRequests: true": is_machine or security.require_pushed_authorization_requests,
        "requirePkce: true": is_machine or login.require_pkce is True,
    }
    lacks = [setting for setting, is_there in needed.items() if not is_there]
    if lacks:
        fault = f"fapi2 needs, in the same request or before: {', '.join(lacks)}"
        raise InvalidValue(f"{fault}.", {"security_profile": [fault]})
