"""What follows from one event, and what an event that somebody caused puts under their control."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from msgspec import UNSET

from events.audit_read import AuditReadEvent
from events.authorization import AuthorizationGranted, CodeRedeemed, RefreshTokenRotated
from events.client import ClientRegistered, ClientRestored
from events.client_key import ClientKeyAdded
from events.client_secret import ClientSecretAdded
from events.client_security import ClientSecurityChanged
from events.codec import Event, Recorded, tags
from events.ids import client_id_of
from events.refusal import RefusalEvent
from events.secrets_given import credentials_given
from events.session import SessionStarted
from events.trusted_issuer import TrustedIssuerChanged, TrustedIssuerRegistered
from events.user import UserFactorAdded, UserPasswordChanged, UserRegistered
from projections.catch_up import Issuance
from service.blast_radius.graph import Edge, Node

CONSEQUENTIAL = tags(
    ClientRegistered
    | ClientRestored
    | ClientSecretAdded
    | ClientKeyAdded
    | ClientSecurityChanged
    | UserRegistered
    | UserPasswordChanged
    | UserFactorAdded
    | SessionStarted
    | AuthorizationGranted
    | CodeRedeemed
    | RefreshTokenRotated
    | TrustedIssuerRegistered
    | TrustedIssuerChanged
)
"""The types of the events that put something under the control of who caused them."""


UNCHANGING = tags(RefusalEvent | AuditReadEvent)
"""The types of the events that changed nothing: a request that was refused, and one that only read."""


def of_event(source: Node, past: Recorded) -> Iterator[Edge]:
    """Yield the change that the source caused by this event, and what the change put under the source's control."""
    if past.type in UNCHANGING:
        return
    change = Node("change", str(past.position))
    yield Edge(source, change, past.recorded_at)
    for target in _controlled(past.stream_id, past.event):
        yield Edge(change, target, past.recorded_at)


def _controlled(stream: UUID, event: Event) -> Iterable[Node]:
    match event:
        case ClientRegistered():
            return (client_node(stream, event),)
        case ClientRestored():
            return (client_node(stream, event),)
        case ClientSecretAdded() | ClientKeyAdded() | ClientSecurityChanged():
            return map(credential_node, credentials_given(stream, event))
        case UserRegistered() | UserPasswordChanged() | UserFactorAdded():
            return (Node("user", str(stream)),)
        case SessionStarted():
            return (Node("session", str(stream)),)
        case AuthorizationGranted():
            return (Node("authorization", str(stream)),)
        case CodeRedeemed() | RefreshTokenRotated():
            return (Node("token", str(event.jti)),)
        case TrustedIssuerRegistered():
            return (issuer_node(stream),)
        case TrustedIssuerChanged():
            is_renamed = event.trust.__replace__(name=event.was.name) == event.was
            return () if is_renamed else (issuer_node(stream),)
        case _:
            return ()


def client_node(stream: UUID, first: ClientRegistered | ClientRestored) -> Node:
    given = first.client_id
    return Node("client", client_id_of(stream) if given is UNSET else given)


def issuer_node(stream: UUID) -> Node:
    """Return the node of a trusted issuer."""
    return Node("issuer", str(stream))


def credential_node(credential: UUID) -> Node:
    """Return the node of a secret, a key or a workload identity: each is a secret here, for tokens are issued to it."""
    return Node("secret", str(credential))


def of_token(source: Node, token: Issuance, client_id: str) -> Iterator[Edge]:
    """Yield the token, and what its client may do with it: the log has who made a request, but not with which of the tokens."""
    issued = Node("token", str(token.jti))
    yield Edge(source, issued, token.issued_at)
    yield Edge(issued, agent(client_id, token.token.sub), token.issued_at)


def agent(client_id: str, sub: str) -> Node:
    """Return the client as it acts for this `sub`. A client_id has no space."""
    return Node("agent", f"{client_id} {sub}")


def of_agent(node: Node) -> tuple[str, str]:
    """Return the client and the `sub` of `agent`."""
    client_id, _, sub = node.id.partition(" ")
    return client_id, sub
