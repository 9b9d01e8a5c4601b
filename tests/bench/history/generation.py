"""The event log of the made-up deployment, batch by batch: thirty days in which clients, bots and users come, change and go."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from msgspec import Struct

from events.client import ClientCredentials
from events.envelope import ByClient, ByOperator
from events.signing_key import (
    PublicJwk,
    SigningKeyActivated,
    SigningKeyEvent,
    SigningKeyPublished,
    SigningKeyRetired,
)
from tests.bench.history import client_events, user_events
from tests.bench.history.client_events import Happened, registered
from tests.bench.history.world import Done, World

DAYS = timedelta(days=30)
OWNERS = 100
SIZES = (1, 1, 1, 2, 4, 8)
"""How many appends are committed together."""

LEAK = 0.9
"""The secret leaks when so much of the history is over."""

KIDS = ("history-1", "history-2")
"""Each signs for half of the time. The service makes keys of its own when it starts."""

LEAKED_BOT = "bot-leaked"
OPERATOR = ByOperator(user="root")
JWK = PublicJwk(
    kty="EC",
    crv="P-256",
    x="MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y="4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
)
ACTIONS: dict[Callable[[World], Happened], int] = {
    client_events.register_client: 100,
    client_events.change_client: 400,
    client_events.register_bot: 20,
    client_events.change_bot: 10,
    client_events.refuse: 40,
    client_events.read_audit: 10,
    client_events.revoke_token: 10,
    user_events.register_user: 20,
    user_events.change_user: 20,
    user_events.start_session: 45,
    user_events.end_session: 40,
    user_events.give_consent: 30,
    user_events.withdraw_consent: 3,
    user_events.authorize: 35,
    user_events.exchange: 95,
    user_events.revoke_authorization: 10,
}
"""How often each happens, beside the others: of ten events, one is the registration of a client."""


class Batch(Struct, frozen=True):
    """What was committed together, at this time."""

    at: datetime
    done: list[Done]


class Extent(Struct, frozen=True, kw_only=True):
    """How long the history is, and how much follows from the leaked secret: a fifth of it are clients, and two fifths tokens."""

    events: int
    descendants: int
    until: datetime

    @property
    def since(self) -> datetime:
        return self.until - DAYS

    @property
    def children(self) -> int:
        return self.descendants // 5

    def time(self, number: int) -> datetime:
        """The time of the event with this number."""
        return self.since + DAYS * (min(number, self.events) / self.events)


def batches(world: World, extent: Extent) -> Iterator[Batch]:
    """Yields the whole history; it may end a few events beyond the number."""
    keys = [world.id() for _ in KIDS]
    made, chooses = 0, _chooser(world)
    while made < extent.events:
        world.now = extent.time(made)
        done = list(_beginning(world, keys)) if made == 0 else [*_key_change(world, keys, made, extent)]
        done += _leaked(world, made, extent)
        for _ in range(world.dice.choice(SIZES)):
            done += chooses()(world)
        if done:
            yield Batch(world.now, done)
        made += sum(len(each.events) for each in done)
    yield Batch(world.now, [_of_key(world, keys[1], 3, SigningKeyRetired(at=world.now))])


def _chooser(world: World) -> Callable[[], Callable[[World], Happened]]:
    actions, weights = list(ACTIONS), list(accumulate(ACTIONS.values()))
    return lambda: world.dice.choices(actions, cum_weights=weights)[0]


def _beginning(world: World, keys: list[UUID]) -> Happened:
    for stream, kid in zip(keys, KIDS, strict=True):
        yield _of_key(world, stream, 1, SigningKeyPublished(kid=kid, alg="ES256", public_jwk=JWK, at=world.now))
    yield _of_key(world, keys[0], 2, SigningKeyActivated(at=world.now))
    for owner in world.owners:
        grant = ClientCredentials(bot_user_id=owner)
        portal, done = registered(world, owner, grant, world.by(OPERATOR))
        world.portals[owner] = portal.client_id
        world.clients.append(portal)
        yield done


def _key_change(world: World, keys: list[UUID], made: int, extent: Extent) -> Happened:
    """In the middle, the second key begins to sign, and the first one ends."""
    if made * 2 >= extent.events and world.rotated_at is None:
        world.rotated_at = world.now
        yield _of_key(world, keys[1], 2, SigningKeyActivated(at=world.now))
        yield _of_key(world, keys[0], 3, SigningKeyRetired(at=world.now))


def _of_key(world: World, stream: UUID, version: int, event: SigningKeyEvent) -> Done:
    return Done(stream, version, (event,), world.by(OPERATOR))


def _leaked(world: World, made: int, extent: Extent) -> Happened:
    """After the leak, the leaked client registers its children one after the other."""
    over = (made / extent.events - LEAK) / (1 - LEAK)
    if over < 0:
        return
    owner = world.owners[0]
    if world.leaked is None:
        grant = ClientCredentials(bot_user_id=LEAKED_BOT)
        world.leaked, done = registered(world, owner, grant, world.by_owner(owner))
        yield done
    meta = world.by(ByClient(client_id=world.leaked.client_id, sub=LEAKED_BOT))
    while len(world.children) < over * extent.children:
        child, done = registered(world, owner, ClientCredentials(bot_user_id="bot-of-a-child"), meta)
        world.children.append(child)
        yield done
