"""Revoking what follows from a compromise: on any graph nothing of it can be used afterwards, and nothing else is touched."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, field

from events.authorization import Assertion, CodeRedeemed
from events.client import ClientCredentials, ClientDeleted
from events.client_secret import ClientSecretRevoked
from events.client_security import ClientSecurityChanged, Security, WorkloadIdentity
from events.database import Connection, NotReached, Unavailable, pool
from events.envelope import Actor, ByClient, ByOperator, ByUser, Meta
from events.ids import client_id_of, client_stream
from events.issuance import IssuanceLog, Issue, TokenIssued
from events.log import Append, Log, Outcome
from events.replay import head, histories
from events.verify import BEGINNING
from projections import audit_events, registry
from projections.engine.election import Follower
from service.blast_radius import bounds, report, tokens
from service.blast_radius.graph import Node
from service.clock import utc_now
from service.commands.handle import Ledger
from service.crypto.credentials import new_id
from service.revocation import appends, reads, tree
from service.revocation.plan import counted
from service.revocation.tree import Order
from tests.conftest import fresh_database
from tests.rules.samples import (
    ASSERTED,
    AUTHORIZATION_REVOKED,
    CODE_ISSUED,
    DELETED,
    DISABLED,
    GRANTED,
    ISSUER_REGISTERED,
    PASSWORD_CHANGED,
    REGISTERED,
    RENAMED,
    SECRET_ADDED,
    SESSION_STARTED,
    USER_REGISTERED,
    secret,
)
from tests.tables.conftest import connected, writing
from tests.tables.items import meta

TO_COME = int(time.time()) + 3600


class CutLog(Log):
    """Fails after so many appends, as if the process was killed there."""

    left: int = 0

    async def append(self, item: Append) -> Outcome:
        if self.left == 0:
            raise Unavailable("cut")
        self.left -= 1
        return await super().append(item)


class Token(Struct, frozen=True):
    jti: UUID
    client: UUID
    exp: int
    authorization: UUID | None


class World(Struct, kw_only=True):
    """What there is, and how more of it comes to be. Each choice is a number, whatever there is to choose from."""

    log: Log
    issuance: IssuanceLog
    operator: str = field(default_factory=lambda: f"operator-{new_id().hex}")
    actors: list[Actor] = field(default_factory=list[Actor])
    secrets: list[tuple[UUID, UUID]] = field(default_factory=list[tuple[UUID, UUID]])
    issuers: list[tuple[UUID, str]] = field(default_factory=list[tuple[UUID, str]])
    sessions: list[tuple[UUID, UUID]] = field(default_factory=list[tuple[UUID, UUID]])
    authorizations: list[tuple[UUID, UUID, UUID]] = field(default_factory=list[tuple[UUID, UUID, UUID]])
    tokens: list[Token] = field(default_factory=list[Token])
    past: dict[UUID, list[Any]] = field(default_factory=dict[UUID, list[Any]])

    async def happen(self, stream: UUID, actor: Actor, *events: Any) -> None:
        past = self.past.setdefault(stream, [])
        changes = registry.changes(stream, past, events)
        about = Meta(actor=actor, request_id="test")
        item = Append(stream=stream, expected=len(past), events=events, meta=about, changes=changes)
        await self.log.append(item)
        past += events

    async def step(self, what: str, one: int, other: int) -> None:
        actor = chosen([ByOperator(user=self.operator), *self.actors], one)
        client, of_client = chosen(self.secrets, other)
        match what:
            case "register":
                await self.register(actor)
            case "add secret":
                await self.add_secret(client, actor)
            case "issue" | "issue expired":
                await self.issue(client, of_client, f"sub-{one % 2}", 0 if what == "issue expired" else TO_COME)
            case "sign in":
                await self.sign_in(actor)
            case "grant":
                await self.grant(one, client)
            case "assert":
                await self.be_asserted(one, client, of_client, actor)
            case "trust workload":
                await self.trust_workload(one, client, actor)
            case "redeem":
                await self.redeem(one, other)
            case "take over":
                await self.take_over(one, actor)
            case "disable":
                await self.happen(client, actor, DISABLED)
            case "delete":
                await self.happen(client, actor, DELETED)
            case _:
                await self.give_back(one)

    async def register(self, actor: Actor) -> None:
        stream, own = new_id(), new_id()
        grant = ClientCredentials(bot_user_id=f"bot-of-{self.operator}")
        await self.happen(stream, actor, REGISTERED.__replace__(grant=grant, secret=of(own)))
        self.secrets.append((stream, own))

    async def add_secret(self, client: UUID, actor: Actor) -> None:
        own = new_id()
        await self.happen(client, actor, SECRET_ADDED.__replace__(secret=of(own)))
        self.secrets.append((client, own))

    async def issue(self, client: UUID, by: UUID, sub: str, exp: int, of_grant: UUID | None = None) -> UUID:
        jti = new_id()
        await self.record(
            client, by, jti, TokenIssued(sub=sub, scope="x", kid="key-1", exp=exp, authorization=of_grant)
        )
        return jti

    async def record(self, client: UUID, by: UUID, jti: UUID, token: TokenIssued) -> None:
        await self.issuance.record(Issue(client=client, secret=by, jti=jti, token=token))
        self.tokens.append(Token(jti, client, token.exp, token.authorization))
        self.actors.append(ByClient(client_id=client_id_of(client), sub=token.sub))

    async def sign_in(self, actor: Actor) -> None:
        user, session = new_id(), new_id()
        await self.happen(user, actor, USER_REGISTERED)
        by = ByUser(user_id=user, session=session)
        await self.happen(session, by, SESSION_STARTED.__replace__(user=user))
        self.sessions.append((session, user))
        self.actors.append(by)

    async def grant(self, one: int, client: UUID) -> None:
        if not self.sessions:
            return
        session, user = chosen(self.sessions, one)
        stream = new_id()
        granted = GRANTED.__replace__(client=client, user=user, session=session)
        await self.happen(stream, ByUser(user_id=user, session=session), granted, CODE_ISSUED)
        self.authorizations.append((stream, client, user))

    async def issuer(self, one: int, actor: Actor) -> tuple[UUID, str]:
        if not self.issuers or one == 0:
            stream = new_id()
            issuer = f"https://{stream.hex}.example"
            await self.happen(stream, actor, ISSUER_REGISTERED.__replace__(issuer=issuer))
            self.issuers.append((stream, issuer))
        return chosen(self.issuers, one)

    async def be_asserted(self, one: int, client: UUID, by: UUID, actor: Actor) -> None:
        """A token of an issuer asserts one of a few users to the client."""
        stream, (issuer_id, issuer) = new_id(), await self.issuer(one, actor)
        user, jti = UUID(int=(7 << 76) + one % 2), new_id()
        asserted = Assertion(issuer_id=issuer_id, issuer=issuer, jti="a", at=utc_now(), token=jti)
        granted = ASSERTED.__replace__(client=client, user=user, assertion=asserted)
        await self.happen(stream, ByClient(client_id=client_id_of(client), sub=str(user)), granted)
        token = TokenIssued(sub=str(user), scope="x", kid="key-1", exp=TO_COME, authorization=stream)
        await self.record(client, by, jti, token)

    async def trust_workload(self, one: int, client: UUID, actor: Actor) -> None:
        """The client trusts another issuer's workload instead of the one before, and that gets a token."""
        _, issuer = await self.issuer(one, actor)
        identity = WorkloadIdentity(issuer=issuer, subject=f"pod-{one % 2}")
        is_there = not any(isinstance(each, ClientDeleted) for each in self.past[client])
        if is_there:
            had = [each.security for each in self.past[client] if isinstance(each, ClientSecurityChanged)]
            security = Security(workload_identities=(identity,))
            was = had[-1] if had else Security()
            await self.happen(client, actor, ClientSecurityChanged(security=security, was=was))
            await self.issue(client, identity.id_for(client), f"sub-{one % 2}", TO_COME)

    async def redeem(self, one: int, other: int) -> None:
        if not self.authorizations:
            return
        stream, client, user = chosen(self.authorizations, one)
        by = chosen([of_client for own, of_client in self.secrets if own == client], other)
        jti = await self.issue(client, by, str(user), TO_COME, stream)
        actor = ByClient(client_id=client_id_of(client), sub=str(user))
        await self.happen(stream, actor, CodeRedeemed(jti=jti, at=CODE_ISSUED.at))

    async def take_over(self, one: int, actor: Actor) -> None:
        if self.sessions:
            await self.happen(chosen(self.sessions, one)[1], actor, PASSWORD_CHANGED)

    async def give_back(self, one: int) -> None:
        if self.authorizations:
            await self.happen(chosen(self.authorizations, one)[0], ByOperator(user="x"), AUTHORIZATION_REVOKED)

    def origins(self) -> list[Node]:
        return [
            *(Node("secret", str(own)) for _, own in self.secrets),
            *(Node("client", client_id_of(client)) for client, _ in self.secrets),
            *(
                Node(kind, str(one))
                for pair in self.sessions
                for kind, one in zip(("session", "user"), pair, strict=True)
            ),
            *(Node("authorization", str(stream)) for stream, _, _ in self.authorizations),
            *(Node("issuer", str(stream)) for stream, _ in self.issuers),
            Node("actor", self.operator),
            Node("bot", f"bot-of-{self.operator}"),
        ]


def of(own: UUID) -> Any:
    return secret(1).__replace__(secret_id=own)


def chosen(of_these: list[Any], number: int) -> Any:
    return of_these[number % len(of_these)]


STEPS = (
    "register",
    "add secret",
    "issue",
    "issue",
    "issue expired",
    "sign in",
    "grant",
    "redeem",
    "take over",
    "assert",
    "trust workload",
)
ENDS = ("disable", "delete", "give back")
NUMBERS = st.integers(0, 20)
GRAPHS = st.lists(st.tuples(st.sampled_from([*STEPS, *STEPS, *ENDS]), NUMBERS, NUMBERS), max_size=20)


class Shared(Struct, frozen=True):
    url: str
    log: Log
    issuance: IssuanceLog
    pool: Any
    reader: Connection


async def follow(url: str) -> None:
    follower = Follower([audit_events.PROJECTION], url)
    await follower.look()
    await follower.close()


@pytest.fixture(scope="module")
async def shared(postgres: str) -> AsyncIterator[Shared]:
    """One database for all examples: each has things of its own."""
    url = await fresh_database(postgres)
    await follow(url)  # makes the table of the audit trail
    issuance = IssuanceLog(url)
    async with writing(url) as log, pool(url) as connections, connected(url) as reader:
        yield Shared(url, log, issuance, connections, reader)
    await issuance.close()


@pytest.fixture(autouse=True)
def _no_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody makes them here."""
    monkeypatch.setattr(tree, "CHECKPOINT_SECONDS", 0)


async def usable(reader: Connection, world: World, nodes: set[Node]) -> set[Node]:
    """Those that can still be used, by the tables that the service decides by."""
    secrets = await reader.fetchval(
        "select array_agg(s ->> 'secret_id') from read.clients, jsonb_array_elements(secrets) s"
    )
    clients = await reader.fetchval("select array_agg(client_id) from read.clients where state = 'active'")
    there = await reader.fetchval("select array_agg(stream_id) from read.clients")
    users = await reader.fetchval("select array_agg(stream_id::text) from read.users where state = 'active'")
    issuers = await reader.fetchval(
        "select array_agg(stream_id::text) from read.trusted_issuers where state = 'active'"
    )
    sessions = await reader.fetchval("select array_agg(stream_id::text) from read.sessions where state = 'open'")
    granted = await reader.fetchval("select array_agg(stream_id::text) from read.authorizations where state = 'active'")
    revoked = await reader.fetchval("select array_agg(stream_id) from read.revoked_tokens")
    tokens = [
        str(token.jti)
        for token in world.tokens
        if token.exp > time.time() and token.client in (there or ()) and token.jti not in (revoked or ())
        if token.authorization is None or str(token.authorization) in (granted or ())
    ]
    of_kind = {
        "secret": secrets,
        "client": clients,
        "user": users,
        "issuer": issuers,
        "session": sessions,
        "authorization": granted,
        "token": tokens,
    }
    return {node for node in nodes if node.id in (of_kind.get(node.kind) or ())}


async def reached(reader: Connection, origin: Node) -> set[Node]:
    found = await report.radius(reader, origin, BEGINNING, await bounds.bounds_of(reader, BEGINNING))
    assert found.complete
    return {origin, *(node for node, _ in found.reached)}


async def touched(reader: Connection, after: int) -> dict[UUID, set[str]]:
    """The types of the later events, by their streams."""
    rows = await reader.fetch("select stream_id, type from log.events where position > $1", after)
    return {stream: {row[1] for row in rows if row[0] == stream} for stream in {row[0] for row in rows}}


async def outside(reader: Connection, nodes: set[Node], streams: dict[UUID, set[str]]) -> set[UUID]:
    """The streams that are neither of the set, nor hold a secret of it, nor follow from the end of one of it."""
    own = {
        client_stream(node.id) if node.kind == "client" else UUID(node.id)
        for node in nodes
        if node.kind in ("client", "user", "session", "authorization", "token", "issuer")
    }
    secrets = {node.id for node in nodes if node.kind == "secret"}
    left: set[UUID] = set()
    for stream, types in streams.items():
        if stream in own or types == {"revocation.ordered"}:
            continue
        past = [each.event for each in await histories(reader, [stream])]
        gone = {str(event.secret_id) for event in past if isinstance(event, ClientSecretRevoked)}
        of_user = getattr(past[0], "user", None)
        of_session = getattr(past[0], "session", None)
        if (types == {"client.secret_revoked"} and gone <= secrets) or of_user in own or of_session in own:
            continue
        left.add(stream)
    return left


@settings(max_examples=20)
@given(steps=GRAPHS, which=NUMBERS, cut=st.integers(0, 12), followed=st.integers(0, 20))
async def test_after_it_nothing_of_the_set_can_be_used_and_nothing_else_was_touched_even_if_it_was_cut_short_once(
    shared: Shared, steps: list[tuple[str, int, int]], which: int, cut: int, followed: int
):
    world = World(log=shared.log, issuance=shared.issuance)
    await world.register(ByOperator(user=world.operator))
    for number, (what, one, other) in enumerate(steps):
        if number == followed:
            await follow(shared.url)
        await world.step(what, one, other)
    order = Order(origin=chosen(world.origins(), which), since=BEGINNING, own=None, meta=meta())
    ledger = Ledger(shared.log, shared.pool)
    before, nodes = (await head(shared.reader)).position, await reached(shared.reader, order.origin)
    live = await usable(shared.reader, world, nodes)
    preview = await tree.preview(ledger, order)
    _, plan = await reads.everything(shared.pool, order.origin, order.since)
    assert set(plan.nodes) == set((await reads.live(shared.pool, order.origin, order.since)).nodes)
    assert (await head(shared.reader)).position == before
    await follow(shared.url)
    assert await reached(shared.reader, order.origin) == nodes
    cut_log = CutLog(shared.url)
    cut_log.left = cut
    try:
        await tree.revoke(Ledger(cut_log, shared.pool), order)
    except Unavailable:
        assert live
    finally:
        await cut_log.close()
    done = await tree.revoke(ledger, order)
    again = await tree.revoke(ledger, order)
    after = await reached(shared.reader, order.origin)
    assert (done.complete, again.complete, again.revoked) == (True, True, {})
    assert again.position == (await head(shared.reader)).position
    assert {node for node in after - nodes if node.kind != "change"} == set()
    assert await usable(shared.reader, world, after) == set()
    assert {node for node in live if node.kind != "token"} <= set(plan.nodes)
    assert preview.revoked == counted(plan.nodes)
    streams = await touched(shared.reader, before)
    assert await outside(shared.reader, after, streams) == set()


async def made(shared: Shared) -> World:
    world = World(log=shared.log, issuance=shared.issuance)
    await world.register(ByOperator(user=world.operator))
    return world


async def test_a_token_that_a_client_redeemed_under_another_secret_for_the_same_user_is_revoked(shared: Shared):
    """The walk finds it by the event alone, which does not say when the token expires."""
    world = await made(shared)
    [(client, first)] = world.secrets
    await world.sign_in(ByOperator(user="x"))
    await world.grant(0, client)
    await world.redeem(0, 0)
    await world.add_secret(client, ByOperator(user="x"))
    await world.grant(0, client)
    await world.redeem(1, 1)
    origin = Node("secret", str(first))
    plan = await reads.live(shared.pool, origin, BEGINNING)
    assert {token.jti for token in plan.tokens} == {token.jti for token in world.tokens}
    done = await tree.revoke(
        Ledger(shared.log, shared.pool), Order(origin=origin, since=BEGINNING, own=None, meta=meta())
    )
    assert (done.complete, done.revoked) == (True, {"secret": 1, "token": 2})
    assert await usable(
        shared.reader, world, {Node("authorization", str(stream)) for stream, _, _ in world.authorizations}
    )


async def test_a_walk_goes_on_with_the_audit_feed_itself_where_more_is_left_than_it_reads(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    await follow(shared.url)
    world = await made(shared)
    [(client, own)] = world.secrets
    await world.issue(client, own, "sub", TO_COME)
    for _ in range(20):
        await world.happen(client, ByOperator(user="x"), RENAMED)
    monkeypatch.setattr(bounds, "MOST", 20)
    with pytest.raises(NotReached, match="the audit feed has reached position"):
        await bounds.bounds_of(shared.reader, BEGINNING)
    plan = await reads.live(shared.pool, Node("secret", str(own)), BEGINNING)
    assert {token.jti for token in plan.tokens} == {token.jti for token in world.tokens}
    for _ in range(21):
        await world.happen(client, ByOperator(user="x"), RENAMED)
    await bounds.follow_feed(shared.reader)
    found = await bounds.bounds_of(shared.reader, BEGINNING)
    assert found.upto >= found.position - bounds.MOST


async def test_more_than_one_walk_reaches_is_revoked_in_several_whatever_has_expired(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    world = await made(shared)
    [(client, own)] = world.secrets
    for number in range(70):
        await world.issue(client, own, "sub", 0 if number < 40 else TO_COME)
    monkeypatch.setattr(bounds, "MOST", 20)
    for _ in range(21):
        await world.happen(client, ByOperator(user="x"), RENAMED)
    with pytest.raises(NotReached, match="the audit feed has reached position"):
        await bounds.bounds_of(shared.reader, BEGINNING)
    await follow(shared.url)
    monkeypatch.setattr(appends, "AT_ONCE", 4)
    order = Order(origin=Node("secret", str(own)), since=BEGINNING, own=None, meta=meta())
    seen = await tree.preview(Ledger(shared.log, shared.pool), order)
    assert (seen.complete, seen.revoked["token"] < 30) == (False, True)
    done = await tree.revoke(Ledger(shared.log, shared.pool), order)
    assert (done.complete, done.revoked) == (True, {"secret": 1, "token": 30})
    assert done.last_position == done.position
    assert await usable(shared.reader, world, {Node("token", str(token.jti)) for token in world.tokens}) == set()
    monkeypatch.setattr(tree, "MOST_ROUNDS", 1)
    await world.issue(client, own, "sub", TO_COME)
    await follow(shared.url)
    assert (await tree.revoke(Ledger(shared.log, shared.pool), order)).complete is False


async def test_who_acted_with_the_latest_tokens_is_known_and_that_there_were_more_is_said(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    world = await made(shared)
    [(client, own)] = world.secrets
    for number in range(5):
        await world.issue(client, own, f"sub-{number}", 0)
        await world.register(world.actors[-1])
    origin = Node("secret", str(own))
    everybody = await reads.live(shared.pool, origin, BEGINNING)
    monkeypatch.setattr(tokens, "MOST_TOKENS", 5)
    some = await reads.live(shared.pool, origin, BEGINNING)
    assert (everybody.complete, set(everybody.nodes)) == (True, set(some.nodes))
    assert some.complete is False
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    fewer = await reads.live(shared.pool, origin, BEGINNING)
    assert {node.id for node in fewer.nodes if node.kind == "client"} == {
        client_id_of(stream) for stream, _ in world.secrets[-2:]
    }


async def test_the_client_of_the_caller_comes_last_and_every_event_names_the_order_as_its_cause(shared: Shared):
    world = await made(shared)
    [(client, own)] = world.secrets
    jti = await world.issue(client, own, "sub", TO_COME)
    await world.register(world.actors[-1])
    [_, (other, of_other)] = world.secrets
    second = await world.issue(other, of_other, "sub", TO_COME)
    order = Order(
        origin=Node("secret", str(own)),
        since=BEGINNING,
        own=client_id_of(client),
        meta=meta().__replace__(reason="why"),
    )
    done = await tree.revoke(Ledger(shared.log, shared.pool), order)
    assert done.first_position is not None
    rows = [
        each
        for each in await histories(shared.reader, [client, other, jti, second])
        if each.position >= done.first_position
    ]
    assert [each.stream_id for each in rows] == [other, other, second, client, jti]
    assert {(each.meta.cause, each.meta.reason) for each in rows} == {(done.first_position, None)}
    first = await shared.reader.fetchrow(
        "select type, convert_from(meta, 'UTF8') from log.events where position = $1", done.first_position
    )
    assert first is not None
    assert (first[0], '"reason":"why"' in first[1]) == ("revocation.ordered", True)
    assert (done.last_position, any("Your own client" in note for note in done.notes)) == (rows[-1].position, True)
