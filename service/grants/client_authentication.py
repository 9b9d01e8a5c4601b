"""Client authentication by client_secret_basic or client_secret_post (RFC 6749 section 2.3.1), by an assertion (RFC 7523 section 2.2) or by a
certificate (RFC 8705 section 2), the same on every endpoint, never two of them.

Failures are counted and recorded.
"""

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from msgspec import Struct

from events.client_secret import StoredSecret
from events.ids import is_ours
from events.issuance import NO_SECRET
from events.refusal import WhyNot
from projections.clients import Found
from service.clock import utc_now
from service.crypto.credentials import proven
from service.grants.assertion_authentication import ASSERTION, PRIVATE_KEY_JWT, TYPE, PresentedAssertion
from service.grants.assertion_authentication import presented as presented_assertion
from service.grants.certificate_authentication import PresentedCertificate, proof_of, unregistered_key, uses_certificate
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import record_failure, record_throttling
from service.imported_secrets import has_imported
from service.lookup import Seen
from service.oauth.authlib_grants import AuthenticatedClient
from service.oauth.errors import InvalidClient, InvalidRequest, TooManyFailures
from service.oauth.form import Form
from service.people.throttle import network
from service.tracing.spans import span

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NONE = "none"
"""The method of a public client (RFC 7591 section 2)."""
MANY_CLIENTS = 10
"""How many clients of one address may fail before the address itself is limited: all clients of a company may share one address."""


class PresentedCredentials(Struct, frozen=True, kw_only=True):
    """The credentials that a client presents. Nothing about them is verified yet."""

    client_id: str
    client_secret: str | None
    method: str
    assertion: PresentedAssertion | None = None
    certificate: PresentedCertificate | None = None

    def __repr__(self) -> str:
        return f"PresentedCredentials(client_id={self.client_id!r})"


def parse_credentials(authorization: str | None, form: Form) -> PresentedCredentials:
    """Read the client's credentials. Raises InvalidClient if there are none, InvalidRequest if there are two."""
    if ASSERTION in form or TYPE in form:
        assertion = presented_assertion(authorization, form)
        return PresentedCredentials(
            client_id=assertion.client_id, client_secret=None, method=PRIVATE_KEY_JWT, assertion=assertion
        )
    if authorization is None:
        client_id, client_secret = form.get("client_id"), form.get("client_secret")
        if client_id is None:
            raise InvalidClient
        method = NONE if client_secret is None else "client_secret_post"
        return PresentedCredentials(client_id=client_id, client_secret=client_secret, method=method)
    if "client_secret" in form:
        raise InvalidRequest("The client authenticates twice, in the Authorization header and in the body; choose one.")
    client_id, client_secret = _basic(authorization)
    if form.get("client_id", client_id) != client_id:
        raise InvalidRequest("The client_id in the body is not the one in the Authorization header; send one of them.")
    # An empty secret is no secret (RFC 6749 section 2.3.1): some libraries identify a public client in this way.
    method = "client_secret_basic" if client_secret else NONE
    return PresentedCredentials(client_id=client_id, client_secret=client_secret or None, method=method)


def presented_by(request: OAuthRequest) -> PresentedCredentials:
    """Read the credentials of a request, also the certificate of its connection. Raises as parse_credentials does."""
    presented = parse_credentials(request.authorization, request.form)
    if not request.certificates or presented.method != NONE:
        return presented
    certificate = request.certificate
    is_trusted = request.resources.settings.client_certificates_verified
    return presented.__replace__(certificate=certificate and PresentedCertificate(certificate, is_trusted))


def prove(presented: PresentedCredentials, found: Found | None, now: datetime) -> StoredSecret | None:
    """Return the secret with which the client authenticated, or None for a public client, which has no secret and presents none.

    Raises InvalidClient. Text and cost are the same for every reason, so that an attacker learns nothing from them.
    """
    secret = proven(presented.client_secret or "", found.client.secrets if found else (), now)
    if found is None or not found.may_act or found.client.security.token_endpoint_auth_method is not None:
        raise InvalidClient
    if found.client.public and presented.method == NONE:
        return None
    if secret is None:
        raise InvalidClient
    return secret


def authenticated(
    presented: PresentedCredentials | None, found: Found | None, now: datetime
) -> AuthenticatedClient | None:
    """Return the client, or None if its authentication failed."""
    if presented is None:
        return None
    if presented.assertion is not None:
        return _by_assertion(presented.assertion, found, now)
    if presented.method == NONE and found is not None and uses_certificate(found.client):
        return _by_certificate(presented.certificate, found, now)
    try:
        secret = prove(presented, found, now)
    except InvalidClient:
        return None
    assert found is not None
    secret_id = NO_SECRET if secret is None else secret.secret_id
    return AuthenticatedClient(row=found.client, secret_id=secret_id, method=presented.method)


def _by_assertion(assertion: PresentedAssertion, found: Found | None, now: datetime) -> AuthenticatedClient | None:
    key_id = None if found is None else assertion.key_of(found, now)
    if found is None or key_id is None:
        return None
    thumbprint = assertion.thumbprint
    return AuthenticatedClient(row=found.client, secret_id=key_id, method=assertion.method, client_key=thumbprint)


def _by_certificate(
    certificate: PresentedCertificate | None, found: Found, now: datetime
) -> AuthenticatedClient | None:
    proof = None if certificate is None else proof_of(certificate, found.client, now)
    if certificate is None or proof is None or not found.may_act:
        return None
    method, thumbprint = (
        str(found.client.security.token_endpoint_auth_method),
        unregistered_key(certificate, found.client),
    )
    return AuthenticatedClient(row=found.client, secret_id=proof, method=method, client_key=thumbprint)


def why_not(presented: PresentedCredentials, found: Found | None, now: datetime) -> WhyNot | None:
    """Return why `prove` refused, for the log only; None if it did not refuse."""
    if found is None:
        return "unknown_client"
    if not found.may_act:
        return "client_stopped"
    if presented.assertion is not None:
        return presented.assertion.why_not(found, now)
    if uses_certificate(found.client) and presented.method == NONE:
        if _by_certificate(presented.certificate, found, now):
            return None
        return "wrong_certificate" if presented.certificate is None else presented.certificate.fault
    if found.client.security.token_endpoint_auth_method is not None:
        return "wrong_method"
    if presented.client_secret is None:
        return None if found.client.public else "no_secret"
    if proven(presented.client_secret, found.client.secrets, now):
        return None
    return "expired_secret" if proven(presented.client_secret, found.client.secrets, LONG_AGO) else "wrong_secret"


def credentials_or_none(request: OAuthRequest) -> PresentedCredentials | None:
    """Return None if the credentials are missing or malformed. Authlib decides whether that is the first error to report."""
    try:
        return presented_by(request)
    except InvalidClient:
        return None


async def look_up(
    request: OAuthRequest, presented: PresentedCredentials | None, *, certain: bool = False
) -> Seen | None:
    lookup = request.resources.lookup
    with span("load"):
        if certain:
            await lookup.be_certain()
        if presented is None:
            return None
        seen = lookup.remembered(presented.client_id) or await lookup.named(presented.client_id)
        if presented.assertion is not None:
            await presented.assertion.prove(request, seen)
            return seen
        if seen is not None and presented.certificate is not None:
            await presented.certificate.find_key(request, seen.client)
    return None if seen is None else request.resources.imported.known(seen)


async def look_up_certain(request: OAuthRequest, presented: PresentedCredentials | None) -> Seen | None:
    """Return the current client, including every event that any process committed before this call. Raises TooManyFailures."""
    seen = await look_up(request, presented, certain=True)
    if seen is None or presented is None or presented.client_secret is None or not has_imported(seen):
        return seen
    try:
        return await request.resources.imported.settle(seen, presented.client_secret, request.address)
    except TooManyFailures:
        await record_throttling(request.resources, seen, request.address)
        raise


async def authenticate_client(request: OAuthRequest, *, public: bool = False) -> Found:
    """Authenticate the client from its current state. A public client, which has no secret, is accepted only with `public`.

    Raises InvalidRequest, InvalidClient or TooManyFailures.
    """
    return (await _authenticated_now(request, public=public))[0]


async def authenticate_confidential_client(request: OAuthRequest) -> AuthenticatedClient:
    """The same for a client that is not public. Return also by what it authenticated."""
    return (await _authenticated_now(request, public=False))[1]


async def _authenticated_now(request: OAuthRequest, *, public: bool) -> tuple[Found, AuthenticatedClient]:
    presented = presented_by(request)
    found = await look_up_certain(request, presented)
    client = authenticated(presented, found, utc_now())
    if client is None or (client.secret_id == NO_SECRET and not public):
        await count_failure(request, presented, found)
        raise InvalidClient
    assert found is not None
    return found, client


async def count_failure(request: OAuthRequest, presented: PresentedCredentials | None, found: Found | None) -> None:
    """Count a failure for this client and address, and record it. Successes are never counted.

    Raises TooManyFailures, and InvalidAssertion if there is one.
    """
    try:
        await _count_failures(request, presented)
    except TooManyFailures:
        await record_throttling(request.resources, found, request.address)
        raise
    if presented is not None:
        why = why_not(presented, found, utc_now())
        if why is not None:
            await record_failure(request.resources, presented.client_id, why, found, request.address)
        if presented.assertion is not None:
            raise presented.assertion.refusal


async def _count_failures(request: OAuthRequest, presented: PresentedCredentials | None) -> None:
    """The address alone has a limit too, MANY_CLIENTS times as high, because an attacker may name any number of clients."""
    limit = request.resources.settings.failed_auth_limit
    if limit == 0:
        return
    by_address = await request.resources.limits.count(f"failed {network(request.address)}")
    if by_address.used > MANY_CLIENTS * limit:
        raise TooManyFailures(by_address.seconds)
    # A client_id that does not have our form shares one counter with all others like it, because it can be any text of any length.
    # This includes imported clients.
    client_id = presented.client_id if presented and is_ours(presented.client_id) else ""
    counted = await request.resources.limits.count(f"failed {request.address} {client_id}")
    if counted.used > limit:
        raise TooManyFailures(counted.seconds)


def _basic(authorization: str) -> tuple[str, str]:
    """Return the client_id, and the secret or "". Raises InvalidClient."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise InvalidClient
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as fault:
        raise InvalidClient from fault
    client_id, colon, client_secret = text.partition(":")
    if not colon or not client_id:
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(client_secret)
