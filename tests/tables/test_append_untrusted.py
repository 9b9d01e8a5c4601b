"""Who may append and nothing else can neither break the log nor store what does not prove: the functions take nothing on trust."""

import asyncpg
import pytest
from msgspec import Struct, structs

from events import verify as proof
from service.crypto.credentials import new_id
from tests.tables.conftest import proved
from tests.tables.items import item

STREAMS = [new_id() for _ in range(3)]
UUIDS = "array[" + ",".join(f"'{stream}'" for stream in STREAMS) + "]::uuid[]"


class Asked(Struct, frozen=True, kw_only=True):
    """The arguments of log.append_events as SQL: two items, of two events and of one."""

    streams: str = f"({UUIDS})[:2]"
    expected: str = "array[0, 0]"
    commands: str = "null::uuid[]"
    fingerprints: str = "null::bytea[]"
    responses: str = "null::bytea[]"
    items: str = "array[1, 1, 2]"
    versions: str = "array[1, 2, 1]"
    schemas: str = "array[1, 1, 1]::smallint[]"
    types: str = "array['client.disabled', 'client.enabled', 'client.disabled']"
    meta: str = "array['{}', '{}', '{}']::bytea[]"
    data: str = "array['{}', '{}', '{}']::bytea[]"

    def __str__(self) -> str:
        return f"select * from log.append_events({', '.join(structs.astuple(self))})"


HOSTILE = {
    "fewer expected versions than items": Asked(expected="array[0]"),
    "more items than expected versions": Asked(streams=UUIDS),
    "fewer idempotency keys than items": Asked(commands=f"({UUIDS})[:1]", fingerprints="array['f', 'f']::bytea[]"),
    "fewer fingerprints than items": Asked(commands=f"({UUIDS})[:2]", fingerprints="array['f']::bytea[]"),
    "fewer versions than events": Asked(versions="array[1, 2]"),
    "more types than events": Asked(types="array['a', 'b', 'c', 'd']"),
    "fewer meta than events": Asked(meta="array['{}']::bytea[]"),
    "no data at all": Asked(data="array[]::bytea[]"),
    "null in the place of events": Asked(items="null::int[]"),
    "null in the place of items": Asked(streams="null::uuid[]"),
    "nothing": Asked(
        items="array[]::int[]", versions="array[]::int[]", schemas="array[]::smallint[]", types="array[]::text[]",
        meta="array[]::bytea[]", data="array[]::bytea[]",
    ),
    "a gap between two versions": Asked(versions="array[1, 3, 1]"),
    "a gap before the first version": Asked(versions="array[2, 3, 1]"),
    "a fresh stream that does not begin with version 1": Asked(expected="array[null, 0]::int[]", versions="array[2, 3, 1]"),
    "fresh streams without versions": Asked(expected="array[null, null]::int[]", versions="array[null, null, null]::int[]"),
    "the same version twice": Asked(versions="array[1, 1, 1]"),
    "a version that is null": Asked(versions="array[1, null, 1]"),
    "an event of no item": Asked(items="array[1, 1, 3]"),
    "an event of item 0": Asked(items="array[0, 1, 2]"),
    "an event of item null": Asked(items="array[1, 1, null]"),
    "items out of order": Asked(items="array[2, 1, 1]", versions="array[1, 1, 2]"),
    "an item in two places": Asked(items="array[1, 2, 1]", versions="array[1, 1, 2]"),
    "arrays that begin at 0": Asked(items="'[0:2]={1,1,2}'::int[]"),
    "arrays of two dimensions": Asked(items="'{{1,1,2}}'::int[]"),
    "streams that begin at 0": Asked(
        streams="'[0:2]={{{},{},{}}}'::uuid[]".format(*STREAMS), expected="array[0, 0, 0]"
    ),
    "expected versions that begin at 0": Asked(expected="'[0:1]={0,0}'::int[]"),
    "idempotency keys that begin at 0": Asked(
        commands="'[0:1]={{{},{}}}'::uuid[]".format(*STREAMS), fingerprints="array['f', 'f']::bytea[]",
        responses="array['r', 'r']::bytea[]",
    ),
    "streams of two dimensions": Asked(streams="'{{{{{},{}}}}}'::uuid[]".format(*STREAMS)),
    "one stream twice": Asked(streams="array['{0}', '{0}']::uuid[]".format(STREAMS[0])),
    "a type that is null": Asked(types="array['client.disabled', null, 'client.disabled']"),
    "a type of 40,000 characters": Asked(types="array['a', repeat('x', 40000), 'c']"),
}  # fmt: skip


async def test_what_is_asked_for_rightly_is_appended(reader):
    assert await reader.fetchval(str(Asked())) == 0
    assert (await proved(reader)).position == 3


@pytest.mark.parametrize("stale", [False, True], ids=["at once", "item by item"])
@pytest.mark.parametrize("asked", HOSTILE.values(), ids=HOSTILE)
async def test_what_does_not_fit_together_is_refused_and_the_log_goes_on(log, reader, asked: Asked, stale: bool):
    if stale:  # the second item conflicts, so that each is judged by itself
        await log.append(item(STREAMS[1]))
    before = await proved(reader)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await reader.execute(str(asked))
    assert not isinstance(refused.value, asyncpg.InternalServerError)
    assert await proved(reader) == before
    await log.append(item(new_id()))
    assert (await proved(reader)).position == before.position + 1


async def test_no_event_gets_into_a_stream_whose_version_it_does_not_follow(log, reader):
    """The version that was expected of the one stream was once the one before the event in the other."""
    await log.append(item(STREAMS[1]))
    await log.append(item(STREAMS[1], 1))
    before = await proved(reader)
    asked = Asked(
        streams=f"'[0:1]={{{STREAMS[1]},{STREAMS[0]}}}'::uuid[]", expected="array[2, 0]",
        items="array[1]", versions="array[3]", schemas="array[1]::smallint[]", types="array['client.disabled']",
        meta="array['{}']::bytea[]", data="array['{}']::bytea[]",
    )  # fmt: skip
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await reader.execute(str(asked))
    assert await proved(reader) == before


async def test_a_batch_with_a_stream_that_is_said_to_be_fresh_and_is_not_is_refused(log, reader):
    await log.append(item(STREAMS[0]))
    before = await proved(reader)
    with pytest.raises(asyncpg.UniqueViolationError, match="events_stream"):
        await reader.execute(str(Asked(expected="array[null, null]::int[]")))
    assert await proved(reader) == before


async def test_beside_a_conflict_a_stream_that_is_said_to_be_fresh_and_is_not_is_a_conflict_too(log, reader):
    for stream in STREAMS[:2]:
        await log.append(item(stream))
    before = await proved(reader)
    asked = str(Asked(expected="array[null, 0]::int[]"))
    assert await reader.fetchval(asked.replace("*", "st")) == [1, 1]
    assert await proved(reader) == before


@pytest.mark.parametrize("expected", [0, 7], ids=["at once", "item by item"])
async def test_a_process_of_the_version_before_appends_still_and_its_leaf_and_root_count_for_nothing(reader, expected):
    right = Asked(expected=f"array[0, {expected}]", versions=f"array[1, 2, {expected + 1}]")
    words = list(structs.astuple(right))
    words.insert(6, f"array['{STREAMS[0]}', '{STREAMS[0]}', '{STREAMS[2]}']::uuid[]")
    leaves = "array_fill(sha256('false'), array[3])"
    await reader.execute(
        f"select * from log.append({', '.join(words)}, {leaves}, sha256('false'), null, null, null, null)"
    )
    assert (await proved(reader)).position == (3 if expected == 0 else 2)
    stored = await reader.fetch("select distinct stream_id from log.events")
    assert {row[0] for row in stored} <= set(STREAMS[:2])


TOKENS = f"{UUIDS}, {UUIDS}, {UUIDS}, array['a', 'b', 'c']::bytea[]"


@pytest.mark.parametrize(
    "arguments",
    [
        f"({UUIDS})[:2], {UUIDS}, {UUIDS}, array['a', 'b', 'c']::bytea[]",
        f"{UUIDS}, {UUIDS}, ({UUIDS})[:1], array['a', 'b', 'c']::bytea[]",
        f"{UUIDS}, {UUIDS}, {UUIDS}, array['a', 'b', 'c', 'd']::bytea[]",
        "array[]::uuid[], array[]::uuid[], array[]::uuid[], array[]::bytea[]",
        "null, null, null, null",
    ],
    ids=["clients", "jtis", "data", "nothing", "null"],
)
async def test_tokens_that_do_not_fit_together_are_refused(reader, arguments: str):
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await reader.execute(f"select log.issue({arguments})")
    await reader.execute(f"select log.issue({TOKENS})")
    assert (await proved(reader, proof.ISSUANCE)).position == 3


async def test_a_false_root_of_tokens_counts_for_nothing(reader):
    await reader.execute(f"select log.issue({TOKENS}, sha256('false'))")
    assert (await proved(reader, proof.ISSUANCE)).position == 3


async def test_no_caller_makes_more_partitions_than_two_months_take(reader):
    transaction = reader.transaction()
    await transaction.start()
    try:
        assert await reader.fetchval("select log.make_partitions(100000)") < 61
    finally:
        await transaction.rollback()
