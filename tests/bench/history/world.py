"""The clients, bots and users of a made-up deployment, as far as the next event of each depends on them."""

import random
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.client import ClientCredentials, Grant
from events.client_secret import StoredSecret
from events.codec import Event
from events.envelope import Actor, ByClient, Meta
from events.ids import client_id_of

ADDRESSES = 200
SCOPES = ("api:public", "crm:read", "crm:write", "billing:read", "billing:write", "reports:read")
ONE_IN_TEN = 0.1


class Done(Struct, frozen=True):
    """Events that were appended together to one stream, whose first one has this version."""

    stream: UUID
    version: int
    events: tuple[Event, ...]
    meta: Meta


class Client(Struct, kw_only=True):
    stream: UUID
    owner: str
    grant: Grant
    name: str
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    secrets: list[UUID]
    first_secret: UUID
    since: datetime
    version: int = 1
    disabled: bool = False
    until: datetime | None = None

    @property
    def client_id(self) -> str:
        return client_id_of(self.stream)

    @property
    def is_machine(self) -> bool:
        return isinstance(self.grant, ClientCredentials)


class Other(Struct, kw_only=True):
    """A bot, user, session or consent."""

    stream: UUID
    owner: str = ""
    user: UUID | None = None
    version: int = 1
    disabled: bool = False


class Authorization(Struct, kw_only=True):
    """`exchanges` counts those of the code and of refresh tokens."""

    stream: UUID
    client: Client
    user: UUID
    scopes: tuple[str, ...]
    version: int = 2
    exchanges: int = 0


class LoginToken(Struct, frozen=True):
    """A token that an event of an authorization names."""

    at: datetime
    jti: UUID
    authorization: Authorization


class World:
    """What is there at the time `now`. `dice` are always the same, so every run of the same size has the same history."""

    def __init__(self, now: datetime, owners: int) -> None:
        self.dice = random.Random(7)
        self.now = now
        self.owners = [f"owner-{number}" for number in range(owners)]
        self.portals: dict[str, str] = {}
        """The client through which each owner acts."""
        self.clients: list[Client] = []
        self.machines: list[Client] = []
        """Machine clients in the order in which they were registered, deleted ones too."""
        self.interactive: list[Client] = []
        self.bots: list[Other] = []
        self.users: list[Other] = []
        self.sessions: list[Other] = []
        self.consents: list[Other] = []
        self.consented: set[UUID] = set()
        """The streams of all consents there ever were."""
        self.authorizations: list[Authorization] = []
        self.leaked: Client | None = None
        """The client whose secret leaked; it registered the `children`."""
        self.children: list[Client] = []
        self.rotated_at: datetime | None = None
        self.tokens: list[LoginToken] = []
        self.data_keys: dict[UUID, bytes] = {}
        """Of each user who is not erased, wrapped by the master key."""

    def id(self) -> UUID:
        """Returns a UUIDv7 of this time."""
        return id_at(self.now, self.dice)

    def chance(self, part: float) -> bool:
        return self.dice.random() < part

    def some(self, count: int) -> int:
        return int(self.dice.random() * count)

    def scopes(self) -> tuple[str, ...]:
        return ("api:public", *(scope for scope in SCOPES[1:] if self.chance(0.4)))

    def secret(self, name: str) -> StoredSecret:
        return StoredSecret(
            secret_id=self.id(), name=name, hash=f"{self.dice.getrandbits(256):064x}", hint="…abcd", created_at=self.now
        )

    def address(self) -> str:
        return f"192.0.2.{self.some(ADDRESSES)}"

    def by_owner(self, owner: str) -> Meta:
        return self.by(ByClient(client_id=self.portals[owner], sub=owner))

    def by(self, actor: Actor, *, address: bool = True) -> Meta:
        return Meta(
            actor=actor,
            request_id=str(UUID(int=self.dice.getrandbits(128), version=4)),
            address=self.address() if address else None,
            reason="ticket 4711" if self.chance(ONE_IN_TEN) else None,
        )


def id_at(now: datetime, dice: random.Random) -> UUID:
    """Returns a UUIDv7 (RFC 9562 section 5.7) of this time."""
    milliseconds = int(now.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | dice.getrandbits(12) << 64 | 2 << 62 | dice.getrandbits(62))


def taken(of: list[Other], number: int) -> Other:
    """Takes one out of the list, at the cost of its order."""
    of[number], of[-1] = of[-1], of[number]
    return of.pop()
