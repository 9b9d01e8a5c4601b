"""What a page of the console may cost, and that each person who uses it has limits of their own."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from events.envelope import ByClient, Meta
from events.ids import client_stream
from service import streams
from service.clock import utc_now
from service.commands.authority import Holder
from service.commands.client import DisableClient, EnableClient
from service.commands.handle import CLIENT, USER, handle
from service.commands.user import GiveRole
from service.console.api import Answer, Api
from service.console.registration import CLIENT_ID
from service.console.registry import screens
from service.rate_limit import PART
from service.values.scopes import OPERATORS
from tests.flows.conftest import Live, new_database, serving
from tests.flows.consoles import Staff, form, paths, places, staff
from tests.flows.people import allow, registered
from tests.patience import until

USUAL = 6
NAMES_OF_PEOPLE, NAMES_OF_SUBJECTS, NAMES_OF_APPLICATIONS = 10, 15, 30
MOST: Mapping[str, int] = {
    "": 6 + NAMES_OF_PEOPLE + NAMES_OF_SUBJECTS,
    "/audit": 2 + NAMES_OF_PEOPLE + NAMES_OF_SUBJECTS,
    "/bots/{bot_id}": 4 + NAMES_OF_PEOPLE,
    "/bots/{bot_id}/history": 2 + NAMES_OF_PEOPLE,
    "/clients": 2 + NAMES_OF_PEOPLE,
    "/clients/{client_id}": 3 + NAMES_OF_PEOPLE,
    "/clients/{client_id}/history": 6 + NAMES_OF_PEOPLE,
    "/tokens/{jti}": 2 + NAMES_OF_PEOPLE,
    "/users/{user_id}": 2 + NAMES_OF_PEOPLE,
    "/users/{user_id}/applications": 3 + NAMES_OF_APPLICATIONS,
    "/users/{user_id}/history": 2 + NAMES_OF_PEOPLE,
}
"""How often a page may ask the API at most, of those that may ask more often than is usual."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the console asked the API, by path."""
    counts, ask = Counter[str](), Api._asked

    async def counted(api: Api, method: str, path: str, *rest: Any) -> Answer:
        counts[path] += 1
        return await ask(api, method, path, *rest)

    monkeypatch.setattr(Api, "_asked", counted)
    return counts


async def _changed_by_many(live: Live, client: str, user: str) -> None:
    """More people changed these than a page names."""
    stream, by = client_stream(client), Holder(owner=None, sub="x", scopes=frozenset(OPERATORS))
    assert stream is not None
    for number in range(2 * NAMES_OF_PEOPLE):
        person, _ = await registered(live)
        meta = Meta(actor=ByClient(client_id=CLIENT_ID, sub=str(person)), request_id="test")
        command = EnableClient(by=by) if number % 2 else DisableClient(by=by)
        await handle(live.beside.ledger, CLIENT, stream, command, meta)
        await handle(live.beside.ledger, USER, person, GiveRole(role="owner", at=utc_now()), meta)


async def test_no_page_asks_the_api_more_often_than_is_written_here(live: Live, asked: Counter[str]):
    known = await places(live)
    await _changed_by_many(live, known["client_id"], known["user_id"])
    user, _ = await registered(live)
    for _ in range(NAMES_OF_APPLICATIONS + 3):
        client, _ = await live.interactive()
        await allow(live, user, client)
    async with staff(live, "operator") as somebody:
        found: dict[str, int] = {}
        for screen, path in zip(screens(), paths({**known, "user_id": str(user)}), strict=True):
            asked.clear()
            assert (await somebody.look(path)).status == 200
            found[screen.path] = asked.total()
    assert {path: times for path, times in found.items() if times > MOST.get(path, USUAL)} == {}
    assert MOST.keys() <= found.keys()


async def test_a_page_counts_as_one_request_and_a_change_as_another(postgres: str, asked: Counter[str]):
    used = "select coalesce(sum(used), 0) from limits.counts where key = $1"

    async def costs(somebody: Staff) -> int:
        return await live.beside.ledger.pool.fetchval(used, f"caller {somebody.user}")

    # Of so low a limit, each request is in the database at once.
    async with serving(await new_database(postgres), rate_limit=PART - 1) as live, staff(live, "operator") as somebody:
        client, _ = await live.register()
        before = await costs(somebody)
        for path in ("", "/audit", f"/clients/{client}", f"/clients/{client}/history"):
            page = await somebody.look(path)
            assert page.status == 200
        assert (await costs(somebody), asked.total() > 8) == (before + 4, True)
        page = await somebody.look(f"/clients/{client}")
        await somebody.send(page, "disable", reason="x")
        assert await costs(somebody) == before + 6


async def test_who_is_throttled_throttles_no_other_person(postgres: str):
    async with (
        serving(await new_database(postgres), rate_limit=8) as live,
        staff(live, "auditor") as busy,
        staff(live, "auditor") as calm,
    ):

        async def throttled() -> bool:
            return (await busy.look("/clients")).status == 429

        await until(throttled)
        assert (await calm.look("/clients")).status == 200


async def test_each_person_has_live_feeds_of_their_own(live: Live, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "MOST_OF_A_CLIENT", 1)
    wanted = {"Accept": "text/event-stream"}
    async with (
        staff(live, "auditor") as one,
        staff(live, "auditor") as other,
        one.browser.http.stream("GET", "/console/audit", headers=wanted, timeout=60) as first,
    ):
        assert first.status_code == 200
        again = await one.browser.http.get("/console/audit", headers=wanted)
        assert (again.status_code, "You have 1 streams open here" in again.text) == (429, True)
        async with other.browser.http.stream("GET", "/console/audit", headers=wanted, timeout=60) as second:
            assert second.status_code == 200


async def test_the_refusals_of_one_person_leave_room_for_those_of_another(live: Live):
    recorded = "select count(*) from log.events where type = 'refusal.not_permitted' and position(convert_to($1, 'UTF8') in meta) > 0"
    client, _ = await live.register()
    async with staff(live, "auditor") as noisy, staff(live, "auditor") as other, staff(live, "operator") as operator:
        theirs = form(await operator.look(f"/clients/{client}"), "disable")
        for auditor, times in ((noisy, 40), (other, 1)):
            token = (await auditor.look(f"/clients/{client}")).forms[0].fields["csrf"]
            for _ in range(times):
                assert (await auditor.browser.send(theirs, reason="x", csrf=token)).status_code == 403
        count = live.beside.ledger.pool.fetchval
        assert 10 <= await count(recorded, str(noisy.user)) <= 20, "ten a minute, and the minute may have turned"
        assert await count(recorded, str(other.user)) == 1
