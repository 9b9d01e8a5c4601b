"""A client that authenticates by a token of a trusted issuer about its workload (RFC 7523 section 2.2): no secret of it is stored."""

from uuid import UUID

from msgspec import Struct

from events.client_security import WorkloadIdentity
from events.refusal import WhyNot
from projections.clients import Row
from service.grants.oauth_request import OAuthRequest
from service.grants.used_jti import use_up_foreign
from service.network.fetching import CannotFetch
from service.oauth.client_assertion import NOT_PROVED, REPLAYED, BadAssertion
from service.oauth.foreign_claims import EXPIRED
from service.oauth.foreign_tokens import NotAccepted, read
from service.oauth.workload_identity import identity_of, may_be_of

WORKLOAD_IDENTITY = "workload_identity"


class WorkloadProof(Struct, frozen=True):
    """The workload identity that a token was of."""

    identity: WorkloadIdentity

    def id_in(self, client: Row) -> UUID | None:
        """Return the id that is recorded, if the client, as it is in this state, still has the workload identity."""
        if not uses_workloads(client) or self.identity not in client.security.workload_identities:
            return None
        return self.identity.id_for(client.stream_id)


def uses_workloads(client: Row) -> bool:
    return client.security.token_endpoint_auth_method == WORKLOAD_IDENTITY


def concerns(text: str, client: Row) -> bool:
    """Whether the client authenticates by such tokens as this one says that it is. A stranger's is answered as for any other client."""
    try:
        return uses_workloads(client) and may_be_of(client.security.workload_identities, read(text))
    except NotAccepted:
        return False


async def proof_of(request: OAuthRequest, text: str, client: Row) -> WorkloadProof:
    """Verify the token, and use it up if the workload identity says so. Raises BadAssertion, Unavailable."""
    try:
        claims = await request.resources.foreign.verify(text, "workload")
    except NotAccepted as fault:
        raise BadAssertion(_why(fault), _refusal(str(fault))) from fault
    identity = identity_of(client.security.workload_identities, claims)
    if identity is None:
        raise BadAssertion("unknown_workload", NOT_PROVED)
    if isinstance(identity, str):
        raise BadAssertion("wrong_assertion", _refusal(identity))
    if identity.single_use and not await use_up_foreign(request.resources.limits, "workload", claims):
        raise BadAssertion("replayed_assertion", REPLAYED)
    return WorkloadProof(identity)


def _refusal(fault: str) -> str:
    return f"The client_assertion is not accepted: {fault}."


def _why(fault: NotAccepted) -> WhyNot:
    if isinstance(fault.__cause__, CannotFetch):
        return "keys_not_fetched"
    return "expired_assertion" if fault.faults == (EXPIRED,) else "wrong_assertion"
