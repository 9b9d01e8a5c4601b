"""What Postgres adds up is what `project` makes, of any tokens, and it leaves to `project` what it may read in another way."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, json

from events.database import Connection
from events.issuance import NO_SECRET, Confirmation, TokenIssued, encode
from projections import last_used, registry, usage_daily
from projections.catch_up import CatchUp, Totals
from projections.engine import bulk, entries, follow, totals
from projections.engine.checkpoints import install
from projections.engine.follow import step
from projections.engine.rebuild import rebuild
from tests.conftest import fresh_database
from tests.tables.conftest import connected
from tests.tables.test_issuance import issue
from tests.tables.test_projections import agreed, silent

ISSUE = "select log.issue($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[])"
PROJECTIONS = (last_used.PROJECTION, usage_daily.PROJECTION)
BY_PROJECT = tuple(each.__replace__(name=f"{each.name}_by_project", totals=None) for each in PROJECTIONS)
texts = st.text(st.sampled_from('a =\\"\0\né💡:{},'), max_size=5)
either = st.none() | texts
ids = st.none() | st.uuids()
clients = st.sampled_from([UUID(int=1), uuid4(), UUID("0192f000-0000-8000-8000-00000000000a")])
secrets = st.sampled_from([NO_SECRET, UUID(int=2), uuid4()])
tokens = st.builds(
    TokenIssued,
    sub=texts,
    scope=texts,
    kid=texts,
    exp=st.integers(-1, 2**63 - 1),
    address=either,
    authorization=ids,
    audience=either,
    cnf=st.none() | st.builds(Confirmation, jkt=st.just(UNSET) | texts, x5t_s256=st.just(UNSET) | texts),
    subject_token=ids,
    actor=either,
    typ=st.sampled_from([None, "id_jag"]),
    client_key=either,
)
written = tokens.map(encode)
values = st.sampled_from(
    [None, True, 1, 1.5, "", "x", str(UUID(int=3)), UUID(int=3).hex, "id_jag", [], {}, {"jkt": 1}, {"jkt": None}]
)


@st.composite
def unusual(draw: st.DrawFn) -> bytes:
    """A record with a field of another type, or without one."""
    record = json.decode(draw(written))
    name = draw(st.sampled_from([*TokenIssued.__struct_encode_fields__, "unknown"]))
    record[name] = draw(values)
    if draw(st.booleans()):
        del record[name]
    return json.encode(record)


malformed = st.sampled_from(
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b'{"sub":"\\ud800"}',
        b'{"sub":"a","scope":"","kid":"","exp":1e3}',
        b'{"sub":"a","scope":"","kid":"","exp":10e0,"cnf":{"exp":10}}',
    ]
)
rows = st.lists(st.tuples(clients, secrets, written | written | unusual() | malformed), min_size=1, max_size=6)


@pytest.fixture(scope="module")
async def shared(either_postgres: str) -> AsyncIterator[Connection]:
    """Over one database for all examples; each is rolled back."""
    async with connected(await fresh_database(either_postgres)) as connection:
        yield connection


async def recorded(connection: Connection, made: list[tuple[UUID, UUID, bytes]]) -> None:
    names, proved, data = (list(column) for column in zip(*made, strict=True))
    await connection.fetch(ISSUE, names, proved, [uuid4() for _ in made], data)


async def state(connection: Connection, projection: CatchUp[Any, Any]) -> Any:
    """The rows of a projection that followed the log as far as it can, and where it is."""
    await install(connection, projection)
    while await step(connection, projection):
        pass
    standing = "select position, state, failed_position, error from read.checkpoints where name = $1"
    found = await connection.fetch(f"select * from read.{projection.name} order by {', '.join(projection.key)}")
    return await connection.fetch(standing, projection.name), found


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(rows, min_size=1, max_size=3))
async def test_postgres_adds_up_what_project_makes_and_stops_where_it_stops(shared: Connection, batches: Any):
    attempt = shared.transaction()
    await attempt.start()
    try:
        for batch in batches:
            await recorded(shared, batch)
        for added, by_project in zip(PROJECTIONS, BY_PROJECT, strict=True):
            assert await state(shared, added) == await state(shared, by_project)
    finally:
        await attempt.rollback()


async def test_whatever_this_version_records_is_added_up_by_postgres(shared: Connection):
    full = TokenIssued(
        sub="bot", scope="a b", kid="k", exp=1, address="192.0.2.1", authorization=uuid4(), audience="https://api.example.com",
        cnf=Confirmation(jkt="a", x5t_s256="b"), subject_token=uuid4(), actor="c", typ="id_jag", client_key="d",
    )  # fmt: skip
    plain = TokenIssued(sub="bot", scope="", kid="k", exp=1)
    attempt = shared.transaction()
    await attempt.start()
    try:
        await recorded(shared, [(uuid4(), NO_SECRET, encode(each)) for each in (full, plain)])
        for projection in PROJECTIONS:
            await install(shared, projection)
        bounds = await entries.bounds_after(shared, PROJECTIONS[0].follows, 0, most=10)
        assert bounds is not None
        assert await totals.add(shared, [totals.Target(each, f"read.{each.name}") for each in PROJECTIONS], bounds)
        assert await shared.fetchval("select sum(tokens)::int from read.usage_daily") == 2
    finally:
        await attempt.rollback()


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)
async def test_a_table_that_is_filled_in_many_parts_is_the_same_with_a_token_that_project_has_to_read(
    database, tokens, reader, monkeypatch, projection
):
    odd = json.encode({"exp": 1, "kid": "k", "scope": "s", "sub": "odd", "authorization": UUID(int=3).hex})
    client = uuid4()
    for number in range(9):
        await tokens.record(issue(f"bot {number % 3}", client=client))
        if number % 4 == 0:
            await recorded(reader, [(client, NO_SECRET, odd)])
    _, followed = await state(reader, projection)
    monkeypatch.setattr(bulk, "TOKENS_A_PAGE", 2)
    assert (await agreed(database, projection.name)).rows == len(followed) > 0
    await rebuild(database, projection.name, silent)
    _, rebuilt = await state(reader, projection)
    assert rebuilt == followed


def test_only_tokens_have_totals_and_each_column_that_differs_is_said():
    for projection in registry.catch_up():
        match projection.totals:
            case Totals(combined=combined):
                assert not projection.follows.leaves
                assert projection.follows.log == "issuance"
                assert set(combined).isdisjoint(projection.key)
                assert set(combined) <= set(projection.columns)
            case None:
                assert projection not in PROJECTIONS
    assert follow.TOKENS_A_STEP > follow.POSITIONS_A_STEP
