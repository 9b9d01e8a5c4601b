"""What each client has, and from when to when: its secrets and authorizations, from the events that gave and took them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from events.authorization import AuthorizationGranted, AuthorizationRevoked
from events.client import ClientDeleted
from events.client_key import ClientKeyRevoked
from events.client_secret import ClientSecretRevoked
from events.client_security import ClientSecurityChanged
from events.codec import Recorded, tags
from events.secrets_given import credentials_given
from service.blast_radius.consequences import credential_node
from service.blast_radius.graph import Edge, Node

LOSSES = tags(ClientSecretRevoked | ClientKeyRevoked | ClientSecurityChanged | ClientDeleted | AuthorizationRevoked)
"""The types of the events that take something from a client."""

Frontier = Mapping[Node, datetime]
Holdings = dict[Node, tuple[Node, datetime]]
"""By what is held: the client, and since when."""


def held(past: Sequence[Recorded], nodes: Frontier, by_stream: Mapping[UUID, Node]) -> Iterator[Edge]:
    """Yield the secrets, keys, workload identities and authorizations that each client has from its time on: those lost before are left out."""
    now: Holdings = {}
    for each in past:
        for lost in _lost(each, now, by_stream.get(each.stream_id)):
            client, gained_at = now.pop(lost)
            if each.recorded_at >= nodes[client]:
                yield Edge(client, lost, max(nodes[client], gained_at))
        client = by_stream.get(_client_of(each))
        if client is not None:
            now |= dict.fromkeys(_gained(each), (client, each.recorded_at))
    for gained, (client, gained_at) in now.items():
        yield Edge(client, gained, max(nodes[client], gained_at))


def _gained(past: Recorded) -> Iterable[Node]:
    match past.event:
        case AuthorizationGranted():
            return (Node("authorization", str(past.stream_id)),)
        case event:
            return map(credential_node, credentials_given(past.stream_id, event))


def _lost(past: Recorded, now: Holdings, client: Node | None) -> Iterable[Node]:
    match past.event:
        case ClientSecretRevoked():
            lost = [credential_node(past.event.secret_id)]
        case ClientKeyRevoked():
            lost = [credential_node(past.event.key_id)]
        case ClientSecurityChanged():
            gone = set(past.event.was.workload_identities) - set(past.event.security.workload_identities)
            lost = [credential_node(each.id_for(past.stream_id)) for each in gone]
        case AuthorizationRevoked():
            lost = [Node("authorization", str(past.stream_id))]
        case ClientDeleted():
            lost = [each for each, (of, _) in now.items() if of == client and each.kind == "secret"]
        case _:
            lost = []
    return [each for each in lost if each in now]


def _client_of(past: Recorded) -> UUID:
    return past.event.client if isinstance(past.event, AuthorizationGranted) else past.stream_id
