"""A client that authenticates by the certificate of its TLS connection (RFC 8705 section 2), which a trusted proxy ended."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct

from projections.clients import Row
from service.configuration.settings import Settings
from service.grants.assertion_authentication import live
from service.oauth.certificates import ClientCertificate, is_of

BY_CA, BY_KEY = "tls_client_auth", "self_signed_tls_client_auth"


def offered(settings: Settings) -> tuple[str, ...]:
    """Return the methods that the proxy of the deployment makes possible."""
    if settings.client_certificate_header is None:
        return ()
    return (BY_CA, BY_KEY) if settings.client_certificates_verified else (BY_KEY,)


class PresentedCertificate(Struct, frozen=True):
    """`is_verified` says that the proxy verified it with the CAs of the deployment: else anybody could have written its names."""

    certificate: ClientCertificate
    is_verified: bool


def uses_certificate(client: Row) -> bool:
    return client.security.token_endpoint_auth_method in (BY_CA, BY_KEY)


def proof_of(presented: PresentedCertificate, client: Row, now: datetime) -> UUID | None:
    """Return the id of what the certificate proves, that of the key or one for the certificate; None if it is not the client's."""
    certificate = presented.certificate
    if not certificate.is_valid(now):
        return None
    if client.security.token_endpoint_auth_method == BY_KEY:
        return next((key.key_id for key in live(client.keys, now) if key.jwk == certificate.key), None)
    if not presented.is_verified or not is_of(certificate, client.security):
        return None
    return uuid5(client.stream_id, certificate.thumbprint)
