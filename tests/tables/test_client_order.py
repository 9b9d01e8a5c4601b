"""Clients sorted by name and by last use: pages that have each client once, whatever the values are and whatever changes meanwhile."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET, UnsetType

from events.client import ClientDeleted
from events.database import Connection
from events.ids import client_id_of, client_stream
from events.log import Append, Log
from projections import client_order
from projections.client_lists import WHOLE, Wanted
from projections.client_order import After, Order, Sorted
from projections.clients import Row
from service.commands.handle import CLIENT
from service.crypto.credentials import new_id
from tests.rules.samples import REGISTERED
from tests.tables.conftest import appended
from tests.tables.items import meta

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
ANY = Wanted()

Find = Callable[[Sorted[Row] | None, int], Awaitable[list[Sorted[Row]]]]


async def registered(
    log: Log, name: str | None, stream: UUID | None = None, client_id: str | UnsetType = UNSET
) -> UUID:
    made = stream or new_id()
    events = [REGISTERED.__replace__(display_name=name, client_id=client_id)]
    change = CLIENT.table.change(made, events)
    await appended(log, Append(stream=made, expected=0, events=events, meta=meta(), changes=(change,)))
    return made


async def deleted(log: Log, stream: UUID) -> None:
    events = [REGISTERED, ClientDeleted(owner="ada")]
    change = CLIENT.table.change(stream, events)
    await appended(log, Append(stream=stream, expected=1, events=events[1:], meta=meta(), changes=(change,)))


async def used(superuser: Connection, stream: UUID, minutes: int) -> None:
    statement = "insert into read.last_used values ('client', $1, $2, 1)"
    await superuser.execute(statement, client_id_of(stream), AT + timedelta(minutes=minutes))


def finding(reader: Connection, order: Order, wanted: Wanted = ANY) -> Find:
    def find(last: Sorted[Row] | None, limit: int) -> Any:
        after = last and After(last.row.stream_id, last.value)
        return client_order.listed(reader, wanted, WHOLE, order, after, limit=limit)

    return find


async def walked(find: Find, limit: int) -> list[UUID]:
    """Every client, from page to page."""
    found: list[UUID] = []
    last: Sorted[Row] | None = None
    while page := await find(last, limit):
        assert len(page) <= limit
        found += [each.row.stream_id for each in page]
        last = page[-1]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 50])
async def test_by_name_each_client_comes_once_whatever_the_size_of_the_page(log, reader, limit):
    names = ["Billing", "archive", "billing", None, "Ziel", "BILLING", None, ""]
    streams = [await registered(log, name) for name in names]
    up = await walked(finding(reader, "name"), limit)
    assert up[:5] == [streams[7], streams[1], streams[0], streams[2], streams[5]]
    assert up[-2:] == [streams[3], streams[6]]
    assert sorted(up) == sorted(streams)
    assert await walked(finding(reader, "name_descending"), limit) == up[5::-1] + up[:5:-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 50])
async def test_by_last_use_each_client_comes_once_also_those_that_never_were_used(log, reader, superuser, limit):
    streams = [await registered(log, "any") for _ in range(7)]
    imported = client_stream("crm")
    assert imported is not None
    await registered(log, "imported", imported, "crm")
    for stream, minutes in ((streams[3], 5), (streams[0], 5), (streams[6], 1), (imported, 9)):
        await used(superuser, stream, minutes)
    await used(superuser, new_id(), 7)  # a client that was deleted
    latest = await walked(finding(reader, "recently_used"), limit)
    assert latest == [imported, streams[3], streams[0], streams[6], streams[5], streams[4], streams[2], streams[1]]
    assert await walked(finding(reader, "long_unused"), limit) == latest[3::-1] + latest[:3:-1]


async def test_a_page_goes_on_where_it_was_when_its_last_client_is_deleted_or_used_meanwhile(log, reader, superuser):
    streams = [await registered(log, f"Loom {number}") for number in range(4)]
    for number in range(3):
        await used(superuser, streams[number], number)
    names, uses = finding(reader, "name"), finding(reader, "recently_used")
    first, latest = await names(None, 2), await uses(None, 2)
    assert ([each.row.stream_id for each in first], latest[-1].row.stream_id) == (streams[:2], streams[1])
    await deleted(log, streams[1])
    assert [each.row.stream_id for each in await names(first[-1], 9)] == streams[2:]
    assert [each.row.stream_id for each in await uses(latest[-1], 9)] == [streams[0], streams[3]]


@pytest.mark.parametrize("few", [0, 2, 5000])
async def test_the_filters_of_a_list_narrow_a_sorted_one_whether_few_match_or_many(
    log, reader, superuser, monkeypatch, few
):
    monkeypatch.setattr(client_order, "FEW", few)
    streams: Sequence[UUID] = [await registered(log, name) for name in ("Weft", "Loom b", None, "Loom a", "Loom c")]
    await used(superuser, streams[0], 2)
    await used(superuser, streams[1], 1)
    looms = Wanted(name="loom", owner=REGISTERED.owner, state="active")
    weft, a, b, c = streams[0], streams[3], streams[1], streams[4]
    for limit in (1, 2, 9):
        assert await walked(finding(reader, "name", looms), limit) == [a, b, c]
        assert await walked(finding(reader, "name_descending", looms), limit) == [c, b, a]
        assert await walked(finding(reader, "long_unused", looms), limit) == [b, a, c]
        assert await walked(finding(reader, "recently_used", looms), limit) == [b, c, a]
        assert await walked(finding(reader, "recently_used", Wanted(text="we")), limit) == [weft]
        assert await walked(finding(reader, "name", Wanted(owner="nobody")), limit) == []
