"""Rows are made one stream after the other where they depend on nothing else; where they do, it is noticed and nothing is made."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from events.client import ClientEvent
from events.codec import Recorded, encode, type_of
from projections import client_history, issuance_tiles, registry, secret_hashes
from projections.catch_up import CatchUp, Removed, events
from projections.engine import by_stream
from projections.engine.by_stream import InLogOrder, OfCatchUp, OfTable, folding
from tests.rules.samples import AT, REGISTERED, RENAMED

ONE, OTHER = UUID(int=1), UUID(int=2)
Find = Callable[..., Any]


class Count(Struct, frozen=True):
    stream_id: UUID
    number: int


def count(entry: Recorded, find: Find) -> Iterable[Count | Removed]:
    before = find(entry.stream_id, entry.version - 1)
    if before is not None:
        yield Removed((entry.stream_id, before.number))
    yield Count(entry.stream_id, entry.version)


def of_another_stream(_entry: Recorded, find: Find) -> Iterable[Count]:
    find(OTHER, 1)
    yield Count(ONE, 1)


def for_another_stream(_entry: Recorded, _find: Find) -> Iterable[Count]:
    yield Count(OTHER, 1)


def impossible(_entry: Recorded, _find: Find) -> Iterable[Count]:
    raise ValueError


def folded(project: Any) -> OfCatchUp:
    return OfCatchUp(
        CatchUp(
            name="counts",
            version=1,
            follows=events(ClientEvent),
            row=Count,
            key=("stream_id", "number"),
            project=project,
        )
    )


def stored(position: int, stream: UUID, version: int, event: Any) -> tuple[Any, ...]:
    return position, AT.timestamp(), stream, version, 1, type_of(event), b"{}", encode(event)


PAGE: Any = [stored(1, ONE, 1, REGISTERED), stored(3, ONE, 2, RENAMED)]
NEXT: Any = [stored(4, ONE, 3, RENAMED), stored(2, OTHER, 1, REGISTERED)]


def test_the_rows_of_a_stream_are_there_when_it_has_ended():
    rows = folded(count)
    assert rows.take_in(PAGE) == []
    assert rows.take_in(NEXT) == [Count(ONE, 3)]
    assert rows.last() == [Count(OTHER, 1)]


def test_an_inline_table_has_one_row_for_a_stream():
    table = registry.INLINE["clients"]
    rows = OfTable(table)
    ended = [*rows.take_in(_of_table(PAGE)), *rows.take_in(_of_table(NEXT)), *rows.last()]
    lives = ((ONE, [REGISTERED, RENAMED, RENAMED]), (OTHER, [REGISTERED]))
    assert ended == [row for stream, life in lives if (row := table.fold(stream, life))]


def _of_table(page: Any) -> Any:
    return [(stream, schema, kind, data) for _, _, stream, _, schema, kind, _, data in page]


@pytest.mark.parametrize("project", [of_another_stream, for_another_stream, impossible])
def test_what_needs_the_log_s_order_is_noticed(project: Any):
    with pytest.raises(InLogOrder):
        folded(project).take_in(PAGE)


def test_an_event_that_cannot_be_read_is_for_the_log_s_order_too():
    unreadable: Any = [(*PAGE[0][:-1], b"no JSON")]
    with pytest.raises(InLogOrder):
        folded(count).take_in(unreadable)


def test_a_stream_with_too_many_rows_is_not_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(by_stream, "MOST_ROWS", 2)
    with pytest.raises(InLogOrder):
        folded(count).take_in([*PAGE, *NEXT])  # a removed one counts


def test_only_rows_that_begin_with_their_stream_are_made_so():
    assert folding(client_history.PROJECTION)
    assert not folding(secret_hashes.PROJECTION)
    assert not folding(issuance_tiles.PROJECTION)
