"""The issuance log of the made-up deployment: what its clients and logins got, in the order of time."""

import heapq
import random
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.issuance import TokenIssued
from tests.bench.history.generation import DAYS, KIDS, LEAKED_BOT, Extent
from tests.bench.history.world import ADDRESSES, Client, World, id_at

LIFETIME = 3600
SIZES = (1, 1, 1, 2, 4, 8)
"""How many tokens are committed together."""
FEW = 10
"""So many clients are tried, for some were deleted before; the first ones never are."""


class Token(Struct, frozen=True, kw_only=True):
    """`jti` is None for a token that no event names. One that `begins` a batch is issued at its own time, and not a little earlier."""

    at: datetime
    client: UUID
    secret: UUID
    record: TokenIssued
    jti: UUID | None = None
    begins: bool = False


class Batch(Struct, frozen=True):
    at: datetime
    tokens: list[tuple[UUID, Token]]


def batches(world: World, extent: Extent, count: int) -> Iterator[Batch]:
    """Yields the tokens in the order of time, those of a moment together."""
    dice = random.Random(11)
    waiting: list[Token] = []
    size = 1
    for token in _tokens(world, extent, count, dice):
        if waiting and (len(waiting) >= size or token.begins):
            yield _batch(waiting, dice)
            waiting, size = [], dice.choice(SIZES)
        waiting.append(token)
    if waiting:
        yield _batch(waiting, dice)


def _batch(tokens: list[Token], dice: random.Random) -> Batch:
    at = tokens[0].at
    return Batch(at, [(token.jti or id_at(at, dice), token) for token in tokens])


def _tokens(world: World, extent: Extent, count: int, dice: random.Random) -> Iterator[Token]:
    named = sorted([*_of_logins(world), *_of_leaked(world, extent)], key=lambda token: token.at)
    named = named[-count:]
    others = _of_machines(world, extent, count - len(named), dice)
    return heapq.merge(named, others, key=lambda token: token.at)


def _of_logins(world: World) -> Iterator[Token]:
    for at, jti, authorization in ((each.at, each.jti, each.authorization) for each in world.tokens):
        sub, scope = str(authorization.user), " ".join(authorization.scopes)
        record = TokenIssued(
            sub=sub, scope=scope, kid=_kid(world, at), exp=_expiry(at), authorization=authorization.stream
        )
        client = authorization.client
        yield Token(at=at, client=client.stream, secret=client.first_secret, record=record, jti=jti, begins=True)


def _of_leaked(world: World, extent: Extent) -> Iterator[Token]:
    """The leaked secret gets as many tokens as it has children, and each child gets one."""
    leaked = world.leaked
    if leaked is None:
        return
    left = extent.until - leaked.since
    for number in range(extent.children):
        at = leaked.since + left * (number / extent.children)
        yield _of_machine(world, leaked, LEAKED_BOT, at).__replace__(begins=True)
    for child in world.children:
        yield _of_machine(world, child, "bot-of-a-child", child.since).__replace__(begins=True)


def _of_machines(world: World, extent: Extent, count: int, dice: random.Random) -> Iterator[Token]:
    """A token is of a client that there was at the time; of older ones more often."""
    there, machines = 0, world.machines
    for number in range(count):
        at = extent.since + DAYS * (number / count)
        while there < len(machines) and machines[there].since <= at:
            there += 1
        client = world.clients[number % len(world.owners)]
        if there:
            some = (machines[int(there * dice.random() ** 3)] for _ in range(FEW))
            client = next((each for each in some if each.until is None or at < each.until), client)
        yield _of_machine(world, client, client.grant.bot_user_id or "", at)


def _of_machine(world: World, client: Client, sub: str, at: datetime) -> Token:
    address = f"192.0.2.{hash(client.stream) % ADDRESSES}"
    record = TokenIssued(sub=sub, scope=" ".join(client.scopes), kid=_kid(world, at), exp=_expiry(at), address=address)
    return Token(at=at, client=client.stream, secret=client.first_secret, record=record)


def _kid(world: World, at: datetime) -> str:
    return KIDS[0] if world.rotated_at is None or at < world.rotated_at else KIDS[1]


def _expiry(at: datetime) -> int:
    return int(at.timestamp()) + LIFETIME
