"""Whatever happens that is cached is counted, so that nothing that was remembered outlives it; and what is cached changes at one moment."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from events.codec import TYPES
from events.replay import CHANGED_SINCE
from service.lookup import ACCESS_TOKEN, API, AUTHORIZATION, NOT_CACHED, SIGNING_KEY, TRUSTED_ISSUER, Lookup
from tests.rules.samples import STREAM

HEAD = {"last_position": 7, "chain": b"chain", "same": True, "stream_id": None, "noun": None}
NOUNS = sorted({kind.partition(".")[0] for kind in TYPES})


class Database:
    """It has no row of anything. `cached` is what the lookup has of APIs whenever it is asked."""

    def __init__(self, *changed: Mapping[str, object]) -> None:
        self.lookup = Lookup("postgresql://127.0.0.1/none", self.fetch_keys, timedelta(hours=1))
        self.cached: list[object] = []
        self._changed = changed

    async def fetch_keys(self, _: object) -> None:
        self.cached.append(self.lookup.apis)

    async def fetch(self, statement: str, *_: object) -> Sequence[Mapping[str, object]]:
        if statement == CHANGED_SINCE:
            return self._changed
        self.cached.append(self.lookup.apis)
        return []

    async def take_in(self) -> Lookup:
        connection: Any = self
        await self.lookup._take_in(connection)
        return self.lookup


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_happens_is_counted_if_anything_of_it_is_cached(noun: str):
    lookup = await Database({**HEAD, "stream_id": STREAM, "noun": noun}).take_in()
    assert lookup.changes == (noun not in NOT_CACHED)


@pytest.mark.parametrize(
    ("head", "changes"),
    [
        pytest.param({**HEAD, "same": False}, 1, id="history that was lost is a change"),
        pytest.param(HEAD, 0, id="a new client or a token that was exchanged, which nobody hears of, is none"),
    ],
)
async def test_without_a_stream_that_changed(head: dict[str, object], changes: int):
    assert (await Database(head).take_in()).changes == changes


async def test_new_apis_are_there_no_sooner_than_the_position_they_are_of():
    """Otherwise a token that was decided from those before would be compared with them after its commit, and leave."""
    nouns = (SIGNING_KEY, TRUSTED_ISSUER, API, ACCESS_TOKEN, AUTHORIZATION)
    database = Database(*({**HEAD, "stream_id": STREAM, "noun": noun} for noun in nouns))
    before = database.lookup.apis
    lookup = await database.take_in()
    assert [each is before for each in database.cached] == [True] * len(nouns)
    assert lookup.apis is not before
    assert (lookup.position, lookup.changes) == (7, 1)
