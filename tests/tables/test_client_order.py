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
from projections.client_order import Named, Sorted, Used
from projections.clients import Wanted
from service.commands.handle import CLIENT
from service.crypto.credentials import new_id
from tests.rules.samples import REGISTERED
from tests.tables.conftest import appended
from tests.tables.items import meta

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
ANY = Wanted()

Find = Callable[[Sorted | None, int], Awaitable[list[Sorted]]]


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


def by_name(reader: Connection, *, descending: bool, wanted: Wanted = ANY) -> Find:
    def find(last: Sorted | None, limit: int) -> Any:
        after = last and Named(last.row.stream_id, last.value)  # type: ignore[arg-type]
        return client_order.by_name(reader, wanted, after, descending=descending, limit=limit)

    return find


def by_use(reader: Connection, *, descending: bool, wanted: Wanted = ANY) -> Find:
    def find(last: Sorted | None, limit: int) -> Any:
        after = last and Used(last.row.stream_id, last.value)  # type: ignore[arg-type]
        return client_order.by_use(reader, wanted, after, descending=descending, limit=limit)

    return find


async def walked(find: Find, limit: int) -> list[UUID]:
    """Every client, from page to page."""
    found: list[UUID] = []
    last: Sorted | None = None
    while page := await find(last, limit):
        assert len(page) <= limit
        found += [each.row.stream_id for each in page]
        last = page[-1]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 50])
async def test_by_name_each_client_comes_once_whatever_the_size_of_the_page(log, reader, limit):
    names = ["Billing", "archive", "billing", None, "Ziel", "BILLING", None, ""]
    streams = [await registered(log, name) for name in names]
    up = await walked(by_name(reader, descending=False), limit)
    assert up[:5] == [streams[7], streams[1], streams[0], streams[2], streams[5]]
    assert up[-2:] == [streams[3], streams[6]]
    assert sorted(up) == sorted(streams)
    assert await walked(by_name(reader, descending=True), limit) == up[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 50])
async def test_by_last_use_each_client_comes_once_also_those_that_never_were_used(log, reader, superuser, limit):
    streams = [await registered(log, "any") for _ in range(7)]
    imported = client_stream("crm")
    assert imported is not None
    await registered(log, "imported", imported, "crm")
    for stream, minutes in ((streams[3], 5), (streams[0], 5), (streams[6], 1), (imported, 9)):
        await used(superuser, stream, minutes)
    await used(superuser, new_id(), 7)  # a client that was deleted
    latest = await walked(by_use(reader, descending=True), limit)
    assert latest == [imported, streams[3], streams[0], streams[6], streams[5], streams[4], streams[2], streams[1]]
    assert await walked(by_use(reader, descending=False), limit) == latest[::-1]


async def test_a_page_goes_on_where_it_was_when_its_last_client_is_deleted_or_used_meanwhile(log, reader, superuser):
    streams = [await registered(log, f"Loom {number}") for number in range(4)]
    for number in range(3):
        await used(superuser, streams[number], number)
    names, uses = by_name(reader, descending=False), by_use(reader, descending=True)
    first, latest = await names(None, 2), await uses(None, 2)
    assert ([each.row.stream_id for each in first], latest[-1].row.stream_id) == (streams[:2], streams[1])
    await deleted(log, streams[1])
    assert [each.row.stream_id for each in await names(first[-1], 9)] == streams[2:]
    assert [each.row.stream_id for each in await uses(latest[-1], 9)] == [streams[0], streams[3]]


async def test_the_filters_of_a_list_narrow_a_sorted_one_too(log, reader, superuser):
    streams: Sequence[UUID] = [await registered(log, name) for name in ("Weft", "Loom b", "Loom a")]
    await used(superuser, streams[1], 1)
    looms = Wanted(name="loom", owner=REGISTERED.owner, state="active")
    assert await walked(by_name(reader, descending=False, wanted=looms), 1) == [streams[2], streams[1]]
    assert await walked(by_use(reader, descending=False, wanted=looms), 1) == [streams[2], streams[1]]
    assert await walked(by_name(reader, descending=False, wanted=Wanted(owner="nobody")), 1) == []
