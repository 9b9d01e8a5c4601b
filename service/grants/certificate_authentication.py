"""A client that authenticates by the certificate of its TLS connection (RFC 8705 section 2), which a trusted proxy ended."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct

from events.client_key import PublicKey
from events.refusal import WhyNot
from projections.clients import Row
from service.clock import utc_now
from service.configuration.settings import Settings
from service.grants.assertion_authentication import live
from service.grants.oauth_request import OAuthRequest
from service.network.fetching import CannotFetch, Reach
from service.oauth.certificates import ClientCertificate, is_of
from service.oauth.remote_keys import reach_of
from service.people.throttle import network

BY_CA, BY_KEY = "tls_client_auth", "self_signed_tls_client_auth"


def offered(settings: Settings) -> tuple[str, ...]:
    """Return the methods that the proxy of the deployment makes possible."""
    if settings.client_certificate_header is None:
        return ()
    return (BY_CA, BY_KEY) if settings.client_certificates_verified else (BY_KEY,)


class KeyAt(Struct, frozen=True):
    """Where the key of a certificate is published, and its thumbprint."""

    jwks_uri: str
    thumbprint: str


class PresentedCertificate:
    """`is_verified` says that the proxy verified it with the CAs of the deployment: else anybody could have written its names.

    `published` is its key at the client's jwks_uri, once it was found there.
    """

    def __init__(self, certificate: ClientCertificate, is_verified: bool) -> None:
        self.certificate, self.is_verified = certificate, is_verified
        self.published: KeyAt | None = None
        self.fault: WhyNot = "wrong_certificate"

    async def find_key(self, request: OAuthRequest, client: Row) -> None:
        """Look for its key at the jwks_uri of a client that publishes its keys (RFC 8705 section 2.2.2), unless it was found there before."""
        address = _address(client)
        if address is None or not self.certificate.is_valid(utc_now()):
            return
        if self.published is not None and self.published.jwks_uri == address:
            return
        try:
            key = await _published(request, self.certificate, address, reach_of(client))
        except CannotFetch:
            self.fault = "keys_not_fetched"
            return
        self.published, self.fault = key and KeyAt(address, key.thumbprint), "wrong_certificate"


def uses_certificate(client: Row) -> bool:
    return client.security.token_endpoint_auth_method in (BY_CA, BY_KEY)


def proof_of(presented: PresentedCertificate, client: Row, now: datetime) -> UUID | None:
    """Return the id of what the certificate proves, that of the key or one for the certificate; None if it is not the client's."""
    certificate = presented.certificate
    if not certificate.is_valid(now):
        return None
    if _address(client) is not None:
        unregistered = unregistered_key(presented, client)
        return None if unregistered is None else uuid5(client.stream_id, unregistered)
    if client.security.token_endpoint_auth_method == BY_KEY:
        return next((key.key_id for key in live(client.keys, now) if key.jwk == certificate.key), None)
    if not presented.is_verified or not is_of(certificate, client.security):
        return None
    return uuid5(client.stream_id, certificate.thumbprint)


def unregistered_key(presented: PresentedCertificate, client: Row) -> str | None:
    """Return the thumbprint of what no event of the client has: of the certificate, or of its key at the client's jwks_uri."""
    if client.security.token_endpoint_auth_method == BY_CA:
        return presented.certificate.thumbprint
    key = presented.published
    return None if key is None or key.jwks_uri != _address(client) else key.thumbprint


def _address(client: Row) -> str | None:
    """Return where the keys of its certificates are, unless they are registered."""
    return client.security.jwks_uri if client.security.token_endpoint_auth_method == BY_KEY else None


async def _published(
    request: OAuthRequest, certificate: ClientCertificate, address: str, reach: Reach
) -> PublicKey | None:
    """A key that is not there may be new, so the URL is fetched again, at a bounded rate: no `kid` is the thumbprint of a certificate.

    Raises CannotFetch.
    """
    for kid in (None, certificate.thumbprint):
        keys = await request.resources.remote_keys.find(address, kid, reach=reach, asker=network(request.address))
        found = next((key for key in keys if key.jwk == certificate.key), None)
        if found is not None:
            return found
    return None
