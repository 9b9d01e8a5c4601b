"""A client assertion in a request (RFC 7523 section 2.2): it is verified with the client's keys, and used up, once for each request."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct

from events.client_key import PublicKey, StoredKey
from events.refusal import WhyNot
from projections.clients import Found, Row
from service.clock import utc_now
from service.commands.security_profile import FAPI
from service.grants.oauth_request import OAuthRequest
from service.grants.used_jti import use_up
from service.grants.workload_authentication import WORKLOAD_IDENTITY, WorkloadProof, concerns, proof_of, uses_workloads
from service.lookup import Seen
from service.network.fetching import CannotFetch, Reach
from service.oauth.client_assertion import (
    JWT_BEARER,
    JWT_SPIFFE,
    LEEWAY,
    NOT_PROVED,
    REPLAYED,
    Assertion,
    BadAssertion,
    Parsed,
    client_of,
    keeps_fapi,
    parsed_or_none,
    read,
    verify,
)
from service.oauth.errors import InvalidAssertion, InvalidClient, InvalidRequest
from service.oauth.form import Form
from service.oauth.remote_keys import reach_of
from service.people.throttle import network

PRIVATE_KEY_JWT = "private_key_jwt"
TYPE, ASSERTION = "client_assertion_type", "client_assertion"

TWICE = "The client authenticates twice, by an assertion and by a secret; choose one."
OTHER_TYPE = f"This {TYPE} is not offered. Send {JWT_BEARER}, with a JWT that is signed by a key of the client (private_key_jwt)."
OTHER_CLIENT = (
    "The client_id in the body must be that of the client_assertion (iss and sub), or be left out. For the token of a trusted issuer it must"
    " name a client that is registered with tokenEndpointAuthMethod workload_identity, and with the iss and sub in its workloadIdentities."
)


class Proof(Struct, frozen=True):
    """The key that signed an assertion; unless it is registered, where it is, and its thumbprint."""

    key_id: UUID
    jwks_uri: str | None
    thumbprint: str | None = None


class PresentedAssertion:
    """The assertion of one request. `fault` says why it is not accepted, and `proof` whose it is; at first there is neither.

    `not_own` says why it can be no assertion that the client made itself, but only a token about its workload.
    """

    def __init__(
        self,
        text: str,
        said: Parsed | None,
        client_id: str,
        fault: BadAssertion | None = None,
        *,
        not_own: BadAssertion | None = None,
    ) -> None:
        self._text, self._said, self._fault, self._not_own = text, said, fault, not_own
        self._is_over, self._of_workload = fault is not None, False
        self._proof: Proof | WorkloadProof | None = None
        self.client_id = client_id

    @property
    def method(self) -> str:
        return WORKLOAD_IDENTITY if isinstance(self._proof, WorkloadProof) else PRIVATE_KEY_JWT

    @property
    def thumbprint(self) -> str | None:
        """That of a key which no event of the client has."""
        return self._proof.thumbprint if isinstance(self._proof, Proof) else None

    @property
    def refusal(self) -> InvalidClient:
        return InvalidAssertion(NOT_PROVED if self._fault is None else self._fault.text)

    async def prove(self, request: OAuthRequest, seen: Seen | None) -> None:
        """Verify the assertion with the client's keys, unless that was done before, and use it up. Raises Unavailable."""
        if self._is_over:
            return
        self._of_workload = seen is not None and concerns(self._text, seen.client)
        if seen is not None and self._of_workload:
            await self._prove_workload(request, seen.client)
        elif self._not_own is not None:
            self._fault = self._not_own
        else:
            await self._prove_own(request, seen)

    async def _prove_workload(self, request: OAuthRequest, client: Row) -> None:
        try:
            self._proof, self._fault = await proof_of(request, self._text, client), None
        except BadAssertion as fault:  # the client may have got another workload identity since its state was cached
            self._fault = fault
            return
        self._is_over = True

    async def _prove_own(self, request: OAuthRequest, seen: Seen | None) -> None:
        try:
            now = utc_now().timestamp()
            issuer = request.resources.settings.issuer
            assertion = read(self._text, issuer=issuer, endpoint=f"{issuer}{request.path}", now=now, said=self._said)
        except BadAssertion as fault:
            self._is_over, self._fault = True, fault
            return
        try:
            proof = await _proof(request, assertion, None if seen is None else seen.client)
            if seen is not None and seen.client.security.security_profile == FAPI:
                keeps_fapi(assertion, issuer)
        except BadAssertion as fault:  # the client may have got the key since its state was cached
            self._fault = fault
            return
        self._is_over, self._fault = True, None
        limits, until = request.resources.limits, assertion.exp + LEEWAY
        if await use_up(limits, "assertion", assertion.client_id, assertion.jti, until):
            self._proof = proof
        else:
            self._fault = BadAssertion("replayed_assertion", REPLAYED)

    def key_of(self, found: Found, now: datetime) -> UUID | None:
        """Return the id of the key or of the workload identity, if the client, as it is in this state, may use it."""
        proof = self._proof
        if isinstance(proof, WorkloadProof):
            return proof.id_in(found.client) if found.may_act else None
        if proof is None or not found.may_act or not uses_keys(found.client):
            return None
        if proof.jwks_uri != found.client.security.jwks_uri:
            return None
        if proof.jwks_uri is None and all(key.key_id != proof.key_id for key in live(found.client.keys, now)):
            return None
        return proof.key_id

    def why_not(self, found: Found, now: datetime) -> WhyNot | None:
        if uses_workloads(found.client):
            why = self._fault.why if self._fault is not None and self._of_workload else "unknown_workload"
        elif uses_keys(found.client):
            why = "unknown_key" if self._fault is None else self._fault.why
        else:
            return "wrong_method"
        return why if self.key_of(found, now) is None else None


def presented(authorization: str | None, form: Form) -> PresentedAssertion:
    """Read the parameters of an assertion. Raises InvalidRequest if one is missing, or if the client authenticates in another way, too."""
    if authorization is not None or "client_secret" in form:
        raise InvalidRequest(TWICE)
    for name in (TYPE, ASSERTION):
        if name not in form:
            raise InvalidRequest(f"The parameter {name} is missing. Send {TYPE} and {ASSERTION} together.")
    text = form[ASSERTION]
    said = parsed_or_none(text)
    claimed = client_of(said)
    client_id = form.get("client_id", claimed)
    other_type = BadAssertion("wrong_assertion", OTHER_TYPE)
    if form[TYPE] not in (JWT_BEARER, JWT_SPIFFE):
        return PresentedAssertion(text, said, client_id, other_type)
    if form[TYPE] == JWT_SPIFFE:
        return PresentedAssertion(text, said, client_id, not_own=other_type)
    is_others = claimed and client_id != claimed
    not_own = BadAssertion("wrong_assertion", OTHER_CLIENT) if is_others else None
    return PresentedAssertion(text, said, client_id, not_own=not_own)


def uses_keys(client: Row) -> bool:
    return client.security.token_endpoint_auth_method == PRIVATE_KEY_JWT


def live(keys: Sequence[StoredKey], now: datetime) -> list[StoredKey]:
    return [key for key in keys if key.expires_at is None or now < key.expires_at]


async def _proof(request: OAuthRequest, assertion: Assertion, client: Row | None) -> Proof:
    """Return the key of the client that signed the assertion. Raises BadAssertion."""
    if client is None or not uses_keys(client) or assertion.client_id != client.client_id:
        raise BadAssertion("unknown_key", NOT_PROVED)
    address = client.security.jwks_uri
    if address is None:
        key = verify(assertion, live(client.keys, utc_now()))
        assert isinstance(key, StoredKey)
        return Proof(key.key_id, None)
    key = verify(assertion, await _fetched(request, address, assertion.kid, reach_of(client)))
    return Proof(uuid5(client.stream_id, key.thumbprint), address, key.thumbprint)


async def _fetched(request: OAuthRequest, address: str, kid: str | None, reach: Reach) -> Sequence[PublicKey]:
    try:
        return await request.resources.remote_keys.find(address, kid, reach=reach, asker=network(request.address))
    except CannotFetch as fault:
        raise BadAssertion("keys_not_fetched", NOT_PROVED) from fault
