"""When the document of a client is fetched, and when it is not."""

import time
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock, MagicMock

import pytest

from service import client_documents
from service.client_documents import ClientDocuments, NoDocument
from service.configuration.documents import Documents
from service.limits import Counted
from service.network.fetching import AllBusy, CannotFetch
from service.people.throttle import network

URL = "https://app.example.com/client.json"
THERE = "192.0.2.7"


class Counts:
    """The counts of this minute or day by their keys."""

    def __init__(self) -> None:
        self.used: defaultdict[str, int] = defaultdict(int)

    async def count(self, key: str) -> Counted:
        self.used[key] += 1
        return Counted(self.used[key], 30, cast("Any", None))


class Here:
    """What fetches documents, with a server that answers with `answer` or raises it."""

    def __init__(self, answer: Any) -> None:
        self.known: dict[str, Any] = {}
        self.counts = Counts()
        self.fetcher = SimpleNamespace(get=AsyncMock(side_effect=answer))
        settings = SimpleNamespace(
            client_metadata_documents=Documents(hosts=frozenset({"app.example.com"})),
            issuer="https://id.example.com",
            insecure_http_hosts=frozenset(),
        )
        lookup = SimpleNamespace(named=self._named, position=0)
        fakes = cast("Any", (settings, None, lookup, self.counts))
        self.documents = ClientDocuments(*fakes, fetcher=cast("Any", self.fetcher), metrics=cast("Any", MagicMock()))
        self.documents._never_used = self.never_used = AsyncMock(return_value=0)

    async def _named(self, client_id: str) -> Any:
        return self.known.get(client_id)

    async def see(self, url: str = URL, address: str = THERE) -> None:
        await self.documents.see(url, address)

    @property
    def fetches(self) -> int:
        return self.fetcher.get.await_count


@pytest.mark.parametrize(
    "failure", [CannotFetch("it hangs"), RuntimeError("a fault of this server"), ValueError("another")]
)
async def test_after_any_failure_the_document_is_not_asked_for_again_at_once(failure: Exception):
    here = Here(failure)
    with pytest.raises((NoDocument, type(failure))):
        await here.see()
    for _ in range(3):
        with pytest.raises(NoDocument):
            await here.see()
    assert here.fetches == 1


async def test_who_was_counted_while_another_request_read_the_document_does_not_read_it_again():
    here = Here(RuntimeError("a second fetch"))

    async def read_meanwhile() -> int:
        client_documents._remember(here.documents._fresh, URL, time.time() + 60)
        return 0

    here.never_used.side_effect = read_meanwhile
    await here.see()
    assert here.fetches == 0


@pytest.mark.parametrize("limit", ["MOST_NEW_OF_A_NETWORK", "MOST_NEW_IN_A_DAY", "MOST_NEW_OF_A_SITE", "MOST_NEW"])
async def test_new_documents_are_few_in_a_minute_and_in_a_day(limit: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_documents, limit, 2)
    here = Here(CannotFetch("it hangs"))
    for number in range(4):
        with pytest.raises(NoDocument):
            await here.see(f"{URL}?{number}")
    assert here.fetches == 2


async def test_the_hosts_of_one_domain_are_counted_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_documents, "MOST_NEW_OF_A_SITE", 2)
    here = Here(CannotFetch("it hangs"))
    here.documents._allowed = Documents(hosts=frozenset(f"{n}.evil.example" for n in range(4)) | {"c.good.example"})
    for host in (*(f"{n}.evil.example" for n in range(4)), "c.good.example"):
        with pytest.raises(NoDocument):
            await here.see(f"https://{host}/client.json")
    assert here.fetches == 3


async def test_clients_of_documents_that_nobody_used_are_bounded():
    here = Here(CannotFetch("it hangs"))
    here.never_used.return_value = client_documents.MOST_NEVER_USED
    with pytest.raises(NoDocument, match="never"):
        await here.see()
    here.known[URL] = SimpleNamespace(may_act=True)  # a known one is no new client
    with pytest.raises(NoDocument, match="hangs"):
        await here.see()
    assert here.fetches == 1


async def test_a_document_that_fails_again_is_left_alone_for_longer(monkeypatch: pytest.MonkeyPatch):
    here, now = Here(CannotFetch("it hangs")), 0
    monkeypatch.setattr(client_documents.time, "monotonic", lambda: now)
    fetched_at: list[int] = []
    for second in range(0, 1000, 10):
        now = second
        before = here.fetches
        with pytest.raises(NoDocument):
            await here.see()
        fetched_at += [second] * (here.fetches - before)
    assert fetched_at == [0, 10, 30, 70, 150, 310, 610, 910]


async def test_who_asks_has_few_places_and_is_named_by_its_network():
    here = Here(AllBusy())
    with pytest.raises(NoDocument):
        await here.see(address="2001:db8:1:2::3")
    assert here.fetcher.get.await_args.kwargs["asker"] == network("2001:db8:1:2::4")


async def test_a_document_is_used_for_some_minutes_more_if_this_server_is_too_busy():
    here = Here(AllBusy())
    here.known[URL] = SimpleNamespace(may_act=True)
    here.documents._fresh[URL] = time.time() - client_documents.STALE_SECONDS / 2
    await here.see()
    here.documents._fresh[URL] = time.time() - client_documents.STALE_SECONDS - 1
    for _ in range(2):
        with pytest.raises(NoDocument, match="under way"):
            await here.see()
    assert here.fetches == 3, "it is no pause"
