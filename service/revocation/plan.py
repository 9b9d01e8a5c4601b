"""What has to be done to a set of things so that none of them can be used any more; without I/O."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import partial, reduce
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from events.access_token import AccessTokenRevoked
from events.codec import Event
from events.ids import bot_stream, client_stream
from service.blast_radius.bounds import Issued
from service.blast_radius.graph import Kind, Node
from service.commands.authority import Holder
from service.commands.authorization import RevokeAuthorization
from service.commands.bot import DisableBot
from service.commands.client import DisableClient, RevokeKey, RevokeSecret
from service.commands.command import AnyCommand
from service.commands.handle import AUTHORIZATION, BOT, CLIENT, SESSION, TRUSTED_ISSUER, USER, Aggregate
from service.commands.session import EndSession
from service.commands.trusted_issuer import DisableTrustedIssuer
from service.commands.user import DisableUser
from service.configuration.settings import LEEWAY_SECONDS
from service.refusals import DoesNotExist
from service.values.scopes import OPERATE

OPERATOR = Holder(owner=None, sub="", scopes=frozenset({OPERATE}))
"""Who disables: only another operator may enable it again, so the owner of a compromised client cannot."""

WHY, WHY_SESSION = "operator", "ended_by_operator"
REVOCABLE: tuple[Kind, ...] = ("issuer", "secret", "client", "bot", "user", "session", "authorization", "token")
"""In the order in which they are revoked: what could make something new comes first."""

Command = TypeVar("Command", bound=AnyCommand)
State = TypeVar("State")
Happened = TypeVar("Happened", bound=Event)


class Decided(Struct, frozen=True):
    """The events that stop these nodes; none of either if they are stopped already."""

    events: Sequence[Event]
    nodes: Sequence[Node]


class Step(Struct, frozen=True):
    """What is done to one stream, which `decide` says from its events."""

    kind: Kind
    stream: UUID
    decide: Callable[[Sequence[Event]], Decided]


class Token(Struct, frozen=True, gc=False):
    jti: UUID
    revoked: AccessTokenRevoked


def steps(found: Iterable[Node], holders: Mapping[str, UUID], at: datetime) -> list[Step]:
    """Return what is done to each stream of the set. `holders` are the clients of its secrets; a secret without one is no more."""
    nodes = list(found)
    clients: dict[UUID, list[tuple[Node, RevokeSecret | RevokeKey | DisableClient]]] = {}
    for node in nodes:
        if node.kind == "secret" and (holder := holders.get(node.id)) is not None:
            # It is a secret or a key; the other command finds nothing to revoke.
            id_ = UUID(node.id)
            revokes = (RevokeSecret(by=OPERATOR, secret_id=id_), RevokeKey(by=OPERATOR, key_id=id_))
            clients.setdefault(holder, []).extend((node, revoke) for revoke in revokes)
    for node in nodes:
        if node.kind == "client" and (stream := client_stream(node.id)) is not None:
            clients.setdefault(stream, []).append((node, DisableClient(by=OPERATOR)))
    of_clients = [Step("client", stream, partial(decided, CLIENT, commands)) for stream, commands in clients.items()]
    others = [step for node in nodes if (step := _step(node, at)) is not None]
    return sorted([*of_clients, *others], key=lambda each: REVOCABLE.index(each.kind))


def tokens(found: Iterable[Node], issued: Mapping[str, Issued], gone: AbstractSet[str], at: datetime) -> list[Token]:
    """Return the tokens of the set that are revoked one by one: not those whose authorization is in the set, or whose client is gone.

    Those of a disabled client are among them, because the client can be enabled again.
    """
    nodes = list(found)
    authorizations = {node.id for node in nodes if node.kind == "authorization"}
    return [
        Token(UUID(node.id), _revoked(token, at))
        for node in nodes
        if node.kind == "token"
        and (token := issued.get(node.id)) is not None
        and str(token.authorization) not in authorizations
        and token.client_id not in gone
    ]


def counted(nodes: Iterable[Node]) -> dict[str, int]:
    """Return how many there are of each kind that can be revoked."""
    by_kind = Counter(node.kind for node in nodes)
    return {kind: by_kind[kind] for kind in REVOCABLE if by_kind[kind]}


def decided(
    aggregate: Aggregate[Command, State, Happened], commands: Sequence[tuple[Node, Command]], past: Sequence[Event]
) -> Decided:
    """Return what the commands lead to, one after the other. What is no more needs nothing."""
    state, events, nodes = aggregate.state(past), list[Event](), list[Node]()
    for node, command in commands:
        try:
            new = aggregate.decide(command, state)
        except DoesNotExist:
            continue
        state = reduce(aggregate.evolve, new, state)
        events += new
        nodes += [node] if new else []
    return Decided(events, nodes)


def _step(node: Node, at: datetime) -> Step | None:
    """Return what is done to a stream that belongs to one node alone."""
    match node.kind:
        case "bot":
            stream = bot_stream(node.id)
            return None if stream is None else _alone(node, stream, BOT, DisableBot(by=OPERATOR))
        case "user":
            return _alone(node, UUID(node.id), USER, DisableUser())
        case "session":
            return _alone(node, UUID(node.id), SESSION, EndSession(why=WHY_SESSION, notify=(), at=at))
        case "authorization":
            return _alone(node, UUID(node.id), AUTHORIZATION, RevokeAuthorization(why=WHY, at=at))
        case "issuer":
            return _alone(node, UUID(node.id), TRUSTED_ISSUER, DisableTrustedIssuer())
        case "secret" | "client" | "token" | "change" | "signingKey" | "actor" | "agent":
            return None


def _alone(node: Node, stream: UUID, aggregate: Aggregate[Command, State, Happened], command: Command) -> Step:
    return Step(node.kind, stream, partial(decided, aggregate, [(node, command)]))


def _revoked(token: Issued, at: datetime) -> AccessTokenRevoked:
    # The revocation is kept while the token might still be accepted, which is a little longer than its exp.
    expires_at = datetime.fromtimestamp(token.exp + LEEWAY_SECONDS, UTC)
    return AccessTokenRevoked(client_id=token.client_id, expires_at=expires_at, at=at)
