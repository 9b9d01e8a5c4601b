"""The service's own interactive client, `muniment-console`, keeps settings with which somebody can sign in to the console."""

from events.client import Active, ClientCredentials
from events.client_security import USUAL_SECURITY, Security
from service.commands.authority import RESERVED
from service.refusals import Contradiction

LOCKED = {
    "token_endpoint_auth_method": "tokenEndpointAuthMethod",
    "security_profile": "securityProfile",
    "tls_client_certificate_bound_access_tokens": "tlsClientCertificateBoundAccessTokens",
    "dpop_bound_access_tokens": "dpopBoundAccessTokens",
    "require_pushed_authorization_requests": "requirePushedAuthorizationRequests",
    "require_signed_request_object": "requireSignedRequestObject",
}
"""What the console does not do when it signs somebody in: it pushes and signs no request, has no key, and sends its secret."""


def stays_open(after: Security, client: Active) -> None:
    """Raises Contradiction, which names every setting, if nobody could sign in to the console any more. Each can be taken back."""
    if client.owner != RESERVED or isinstance(client.grant, ClientCredentials):
        return
    closing = [
        name
        for setting, name in LOCKED.items()
        if getattr(after, setting) not in (getattr(USUAL_SECURITY, setting), getattr(client.security, setting))
    ]
    if closing:
        raise Contradiction(
            f"This is the console's own client: nobody could sign in to the console any more. Leave out: {', '.join(closing)}."
        )
