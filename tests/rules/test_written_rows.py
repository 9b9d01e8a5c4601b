"""What an append writes of the rows of inline projections."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from msgspec import json, structs

from events.append_arguments import statement
from events.codec import Event
from events.envelope import ByService, Meta
from events.log import Append
from projections import registry
from projections.authorizations import TABLE
from tests.rules.samples import (
    AUTHORIZATION_REVOKED,
    CODE_ISSUED,
    CODE_REDEEMED,
    GRANTED,
    REFRESH_ISSUED,
    REFRESH_ROTATED,
    REGISTERED,
)

STREAM, LIFE = (
    UUID(int=1),
    [GRANTED, CODE_ISSUED, CODE_REDEEMED, REFRESH_ISSUED, REFRESH_ROTATED, AUTHORIZATION_REVOKED],
)


def written(past: Sequence[Event], new: Sequence[Event]) -> dict[str, dict[str, list[dict[str, object]]]]:
    changes = registry.changes(STREAM, past, new)
    meta = Meta(actor=ByService(why="test"), request_id="r")
    item = Append(stream=STREAM, expected=len(past), events=new, meta=meta, changes=changes)
    return json.decode(statement([item])[-1])


@pytest.mark.parametrize("version", range(1, len(LIFE)))
def test_the_columns_that_are_written_of_a_changed_authorization_make_its_row_of_the_one_before(version: int):
    before, after = TABLE.fold(STREAM, LIFE[:version]), TABLE.fold(STREAM, LIFE[: version + 1])
    assert before is not None
    assert after is not None
    [columns] = written(LIFE[:version], LIFE[version : version + 1])["authorizations"]["changed"]
    assert json.decode(json.encode(structs.asdict(before))) | columns == json.decode(json.encode(structs.asdict(after)))


def test_a_refresh_writes_when_it_was_and_the_version():
    [columns] = written(LIFE[:4], LIFE[4:5])["authorizations"]["changed"]
    assert columns.keys() == {"stream_id", "used_at", "version"}


def test_a_row_of_a_table_that_need_not_have_it_yet_is_written_whole():
    changed = registry.changes(STREAM, [REGISTERED], [REGISTERED])
    assert [change.was for change in changed] == [None]
