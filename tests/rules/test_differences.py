"""The history of a client, bot, user or device has what each event changed: its differences, put together, are what it is now."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, json

from projections import bots, clients, device_authorizations, users
from projections.table import Table
from service.commands.handle import BOT, CLIENT, DEVICE_AUTHORIZATION, USER, Aggregate
from service.endpoints import differences
from service.endpoints.history_page import HistoryPage
from service.values.profile import Profile
from tests.rules.commands import EVERYTHING, happened
from tests.rules.lives import LIVES
from tests.rules.samples import HASH, KEPT, PASSWORD, PROFILE, REGISTERED, RENAMED, SECRET_REVOKED
from tests.rules.test_telling import recorded

ADA = Profile(email="ada@example.com", name="Ada King")
KINDS: dict[str, tuple[Aggregate[Any, Any, Any], Table, Callable[[Any], differences.Represented]]] = {
    "client": (CLIENT, clients.TABLE, differences.of_client),
    "bot": (BOT, bots.TABLE, differences.of_bot),
    "device authorization": (
        DEVICE_AUTHORIZATION,
        device_authorizations.TABLE,
        lambda row: differences.of_device_authorization(row, "oauth_client_x"),
    ),
    "user": (USER, users.TABLE, lambda row: differences.of_user(row, ADA if row.profile else None)),
}


def check(kind: str, commands: Any) -> None:
    aggregate, table, represent = KINDS[kind]
    events, _ = happened(aggregate, commands)
    shown: dict[str, Any] = {}
    for version in differences.versions(table, map(recorded, events)):
        for name, one in differences.changed(version, represent).items():
            assert shown.get(name, UNSET) == one.before
            assert one.before != one.after
            shown.pop(name, None)
            if one.after is not UNSET:
                shown[name] = one.after
        assert shown == ({} if version.after is None else represent(version.after))
        assert not any(secret.encode() in json.encode(shown) for secret in (HASH, KEPT, PASSWORD, PROFILE))


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_differences_lead_from_nothing_to_what_it_is_and_name_no_hash(kind: str, data: st.DataObject):
    check(kind, data.draw(EVERYTHING[kind].histories))


@pytest.mark.parametrize("kind", KINDS)
def test_so_they_do_when_every_event_happens(kind: str):
    for commands in LIVES[kind]:
        check(kind, commands)


def test_a_change_is_told_by_the_names_of_the_api_and_a_secret_by_id_name_and_hint():
    found = differences.versions(clients.TABLE, map(recorded, (REGISTERED, RENAMED, SECRET_REVOKED)))
    renamed, revoked = (differences.changed(version, differences.of_client) for version in found[1:])
    assert renamed == {"displayName": differences.Difference("Production CRM Integration", "CRM")}
    assert revoked.keys() == {"secrets"}
    kept = json.decode(json.encode(revoked["secrets"]))
    assert [(one["name"], one["hint"]) for one in kept["before"]] == [("no. 1", "…cret")]
    assert kept["after"] == []


PAGES = st.integers(1, 7)


@given(st.integers(0, 30), PAGES, st.booleans())
def test_the_links_to_next_pages_lead_through_every_version_once_and_those_to_previous_pages_back(
    newest: int, limit: int, newest_first: bool
):
    page: HistoryPage | None = HistoryPage(newest_first=newest_first, limit=limit)
    pages: list[HistoryPage] = []
    while page is not None:
        pages.append(page)
        page = linked(page, newest, "next")
    found = [version for page in pages for version in page.versions(newest)]
    assert found == (list(range(newest, 0, -1)) if newest_first else list(range(1, newest + 1)))
    for before, after in pairwise(pages):
        back = linked(after, newest, "prev")
        assert back is not None
        assert list(back.versions(newest)) == list(before.versions(newest))
    assert linked(pages[0], newest, "prev") is None


def test_the_previous_page_of_the_newest_has_what_has_happened_since():
    first = HistoryPage(newest_first=True, limit=4)
    assert list(first.versions(10)) == [10, 9, 8, 7]
    since = HistoryPage(newest_first=True, limit=4, after=10)
    assert list(since.versions(10)) == []
    assert list(since.versions(12)) == [12, 11]


def linked(page: HistoryPage, newest: int, rel: str) -> HistoryPage | None:
    """The page to which the link of this relation leads."""
    links = page.links("https://auth.example.com/x", newest).get("Link", "")
    for link in filter(None, links.split(", ")):
        url, _, said = link.partition("; ")
        if said == f'rel="{rel}"':
            end, _, number = url.rstrip(">").rpartition("cursor=")[2].partition("-")
            return HistoryPage(newest_first=page.newest_first, limit=page.limit, **{end: int(number)})
    return None
