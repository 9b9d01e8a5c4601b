"""The console's pages of evidence: a client's past, a leaked secret until it is stopped, tokens and why they exist, and the audit feed."""

from typing import Any
from uuid import uuid4

import pytest

from events.database import Unavailable
from service.clock import utc_now
from service.console import live as live_feed
from service.console.access import Access, access_of
from service.pages.browser import Visit
from tests.flows.browsing import Shown
from tests.flows.conftest import Live
from tests.flows.consoles import staff, take
from tests.flows.test_blast_radius import jti_of
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"


async def renamed(live: Live, client: str, name: str, why: str) -> None:
    headers = {**live.bearer, "If-Match": "*", "Muniment-Reason": why}
    answer = await live.http.patch(f"{CLIENTS}/{client}", json={"displayName": name}, headers=headers)
    assert answer.status_code == 200, answer.text


async def history(live: Live, client: str) -> Any:
    return (await live.http.get(f"{CLIENTS}/{client}/history", headers=live.bearer)).json()


async def test_a_client_is_shown_as_of_any_moment_and_two_moments_are_compared_also_after_its_deletion(live: Live):
    client, _ = await live.register(displayName="First <name>")
    await renamed(live, client, "Second name", "ticket 1")
    await renamed(live, client, "Third name", "ticket 2")
    third, second, first = await history(live, client)
    async with staff(live, "owner", "auditor") as somebody:
        page = await somebody.look(f"/clients/{client}/history")
        for text in ("ticket 1", "ticket 2", "Second name", "Third name", "Show change 3"):
            assert text in page.text, text
        moments = f"since=position:{first['position']}&at={third['recordedAt']}"
        compared = await somebody.look(f"/clients/{client}/history?{moments}")
        assert "First <name> Third name" in compared.text
        newest = f"?since=position:{second['position']}&at=position:{second['position']}"
        same = await somebody.look(f"/clients/{client}/history{newest}")
        assert ("Nothing: at both moments it was the same." in same.text, same.status) == (True, 200)
        before = await somebody.look(f"/clients/{client}/history?at=position:{first['position'] - 1}&since=position:1")
        assert "There was no such client then." in before.text
        wrong = await somebody.look(f"/clients/{client}/history?at=yesterday&since=position:{10**15}")
        assert (wrong.status, "is beyond the end of the log" in wrong.text) == (400, True)
        assert "This is no time." in wrong.text
        await live.http.delete(f"{CLIENTS}/{client}", headers=live.bearer)
        gone = await somebody.look(f"/clients/{client}/history")
        assert ("Deleted client" in gone.text, "Third name" in gone.text) == (True, True)
        nobody = await somebody.look(f"/clients/oauth_client_{'0' * 32}/history")
        assert nobody.status == 404


async def test_moments_are_typed_as_people_write_them_on_every_page_of_evidence(live: Live):
    today = f"{utc_now():%Y-%m-%d}"
    client, secret = await live.register(displayName="Timely")
    await live.access_token(client, secret)
    async with staff(live, "owner", "auditor") as somebody:
        await until(lambda: reached_by(live, client))
        for path in (
            f"/clients/{client}/history?at=TEXT&since=2026-01-01 21:30",
            f"/audit?client={client}&until=TEXT",
            "/tokens?until=TEXT",
        ):
            for text in ("now", today, f"{today} 00:00:00", "2026-01-01T21:30", "position:5"):
                assert (await somebody.look(path.replace("TEXT", text))).status == 200, (path, text)
        assert "Timely" in (await somebody.look(f"/audit?client={client}&since={today}&until={today}")).text
        assert (
            "There was no such client then." in (await somebody.look(f"/clients/{client}/history?at=2026-01-01")).text
        )
        for path in (
            "/audit?since=",
            "/tokens?since=",
            f"/blast-radius?id={client}&since=",
            f"/clients/{client}/history?at=",
        ):
            wrong, future = await somebody.look(f"{path}last Tuesday"), await somebody.look(f"{path}2999-01-01")
            assert (wrong.status, "This is no time." in wrong.text) == (400, True), path
            assert (future.status, "This is in the future." in future.text) == (400, True), path


async def test_what_followed_from_an_issuer_is_a_step_from_its_page_and_so_is_what_followed_from_a_workload(live: Live):
    trusted = {"issuer": "https://ci.example", "name": "Pipelines", "purposes": ["workload"]}
    made = await live.http.post("/api/v1/auth/trusted-issuers", json=trusted, headers=live.bearer)
    issuer = made.headers["location"].rpartition("/")[2]
    body = {
        "m2m": True,
        "botUserId": "b",
        "tokenEndpointAuthMethod": "workload_identity",
        "workloadIdentities": [{"issuer": "https://ci.example", "subject": "repo:acme"}],
    }
    client = (await live.http.post(CLIENTS, json=body, headers=live.bearer)).json()["clientId"]
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/trusted-issuers/{issuer}")
        found = Shown(await somebody.browser.http.get(next(each for each in page.links if "blast-radius?id=" in each)))
        assert "Stop 1 trusted issuer" in found.text
        assert any(each.endswith(f"/trusted-issuers/{issuer}") for each in found.links)
        page = await somebody.look(f"/clients/{client}")
        assert "repo:acme" in page.text
        link = next(each for each in page.links if f"/clients/{client}/blast-radius?id=" in each)
        assert "Nothing follows" in Shown(await somebody.browser.http.get(link)).text


async def test_a_leaked_secret_and_all_that_was_issued_with_it_are_stopped_three_clicks_from_the_client(live: Live):
    client, secret = await live.register(displayName="Leaky")
    token = await live.access_token(client, secret)
    secret_id = (await live.http.get(f"{CLIENTS}/{client}/secrets", headers=live.bearer)).json()[0]["secretId"]
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}")
        tab = next(link for link in page.links if link.endswith(f"/clients/{client}/blast-radius"))

        first = Shown(await somebody.browser.http.get(tab))
        link = next(each for each in first.links if each.endswith(f"?id={secret_id}"))
        found = Shown(await somebody.browser.http.get(link))
        assert jti_of(token) in found.text
        assert "Stop 1 token, 1 secret" in found.text
        without = await somebody.send(found, "stop")
        assert (without.status_code, "Say why" in without.text) == (400, True)
        assert (await live.token_for(client, secret)).status_code == 200
        receipt = Shown(await somebody.send(found, "stop", reason="leaked on a forum"))
        assert receipt.status == 200, receipt.text
        for text in ("Everything that follows is stopped.", "The signed checkpoint that covers it", "Events"):
            assert text in receipt.text, text
        for path in (f"/tokens?client={client}", f"/clients/{client}/tokens"):
            assert "Stopped" in (await somebody.look(path)).text, path
    assert (await live.token_for(client, secret)).status_code == 401
    listed = (await live.http.get(f"/api/v1/audit/tokens?client={client}", headers=live.bearer)).json()
    assert {each["state"] for each in listed} == {"revoked"}
    assert all(each["stoppedAt"] for each in listed)
    dead = await live.http.get(CLIENTS, headers={"Authorization": f"Bearer {token}"})
    assert dead.status_code == 401
    assert (await history(live, client))[0]["type"] == "client.secret_revoked"


async def test_an_auditor_sees_what_follows_and_cannot_stop_it_and_an_owner_sees_neither(live: Live):
    client, _ = await live.register()
    async with staff(live, "auditor") as auditor, staff(live, "operator") as operator, staff(live, "owner") as owner:
        page = await auditor.look(f"/clients/{client}/blast-radius")
        assert (page.status, "Stop all of it" in page.text) == (200, False)
        forged = {"csrf": page.forms[0].fields["csrf"], "do": "stop", "id": client, "reason": "x"}
        sent = await auditor.browser.http.post(f"/console/clients/{client}/blast-radius", data=forged)
        assert sent.status_code == 403
        assert "Stop all of it" in (await operator.look(f"/blast-radius?id={client}")).text
        assert (await owner.look(f"/clients/{client}/blast-radius")).status == 403
        unknown = await auditor.look("/blast-radius?id=nothing-has-this&since=tomorrow")
        assert (unknown.status, "This is no time." in unknown.text) == (400, True)


async def test_a_token_is_found_by_what_it_was_issued_with_explained_and_proved_in_a_file(live: Live):
    client, secret = await live.register(displayName="Explained")
    jti = jti_of(await live.access_token(client, secret))
    secret_id = (await live.http.get(f"{CLIENTS}/{client}/secrets", headers=live.bearer)).json()[0]["secretId"]
    async with staff(live, "auditor") as somebody:
        for path in (
            f"/tokens?client={client}",
            f"/tokens?secret={secret_id}&since=2026-01-01",
            f"/clients/{client}/tokens",
        ):
            assert jti in (await somebody.look(path)).text, path
        assert jti not in (await somebody.look(f"/tokens?client={client}&secret={uuid4()}")).text
        wrong = await somebody.look("/tokens?secret=x&user=y")
        assert (wrong.status, wrong.text.count("must be the ID of a")) == (400, 2)
        page = await somebody.look(f"/tokens/{jti}")
        for text in ("Explained", "Client registered", "Signing key", "api:public"):
            assert text in page.text, text
        proof = await somebody.browser.http.get(next(link for link in page.links if link.endswith("?proof=true")))
        assert proof.headers["content-disposition"] == f'attachment; filename="token-{jti}.proof.json"'
        assert proof.json()["answer"]["token"]["jti"] == jti
        assert (await somebody.look(f"/tokens/{uuid4()}")).status == 404


async def test_the_audit_feed_is_filtered_paged_both_ways_exported_and_each_event_has_a_page(live: Live):
    client, _ = await live.register(displayName="Fed")
    for number in range(60):
        await renamed(live, client, f"Fed {number}", f"ticket {number}")
    newest = (await history(live, client))[0]["position"]
    async with staff(live, "auditor") as somebody:
        await until(lambda: reached(live, newest))
        first = await somebody.look(f"/audit?client={client}&type=client")
        assert ("ticket 59" in first.text, "ticket 3" in first.text.split()) == (True, False)
        older = next(link for link in first.links if "cursor=before" in link)
        second = Shown(await somebody.browser.http.get(older))
        assert "Client registered" in second.text
        newer = next(link for link in second.links if "cursor=after" in link)
        assert "ticket 59" in Shown(await somebody.browser.http.get(newer)).text

        async def shown() -> bool:
            reads = await somebody.look(f"/audit?actor={somebody.user}&reads=shown")
            return "The log was read /api/v1/audit/events" in reads.text

        await until(shown)
        assert "The log was read" not in (await somebody.look(f"/audit?actor={somebody.user}")).text
        assert "The log was read" not in (await somebody.look("/audit")).text
        exports = {link[-6:]: link for link in first.links if "export=" in link}
        rows = (await somebody.browser.http.get(exports["ndjson"])).text.splitlines()
        assert len(rows) == 61
        table = await somebody.browser.http.get(exports["rt=csv"])
        assert (table.headers["content-type"], table.text.count("\n")) == ("text/csv; charset=utf-8", 62)
        wrong = await somebody.look("/audit?type=purple&user=x")
        assert (wrong.status, "is not a type" in wrong.text, "must be the ID of a user" in wrong.text) == (
            400,
            True,
            True,
        )
        event = await somebody.look(f"/audit/{newest}")
        assert ("ticket 59" in event.text, "client.display_name_changed" in event.text) == (True, True)
        assert (await somebody.look(f"/audit/{10**15}")).status == 404


async def reached_by(live: Live, client: str) -> bool:
    return await reached(live, (await history(live, client))[0]["position"])


async def reached(live: Live, position: int) -> bool:
    headers = {**live.bearer, "Muniment-Min-Position": str(position)}
    return (await live.http.get("/api/v1/audit/events?limit=1", headers=headers)).status_code == 200


async def test_the_live_feed_brings_what_happens_until_the_role_is_taken_away(live: Live):
    client, _ = await live.register(displayName="Quiet")
    async with staff(live, "auditor") as somebody, staff(live, "owner") as owner:
        wanted = {"Accept": "text/event-stream"}
        assert (await owner.browser.http.get("/console/audit", headers=wanted)).status_code == 403
        url = f"/console/audit?client={client}"
        async with somebody.browser.http.stream("GET", url, headers=wanted, timeout=60) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            await renamed(live, client, "Loud", "now")
            assert '"client.display_name_changed"' in await anext(
                line async for line in lines if line.startswith("data")
            )
            await take(live, somebody.user, "auditor")
            assert "no longer has the scope" in await anext(line async for line in lines if line.startswith("data"))
            assert [line async for line in lines if line.startswith("data")] == []


@pytest.mark.parametrize("comes_back", [True, False])
async def test_the_live_feed_ends_though_the_database_fails_when_the_role_is_taken_away(
    live: Live, monkeypatch: pytest.MonkeyPatch, comes_back: bool
):
    failures = 0

    async def failing(visit: Visit) -> Access | None:
        nonlocal failures
        failures += 1
        if comes_back and failures > 2:
            return await access_of(visit)
        raise Unavailable("the database restarts")

    monkeypatch.setattr(live_feed, "VERDICT_SECONDS", 30.0 if comes_back else 1.0)
    client, _ = await live.register()
    async with staff(live, "auditor") as somebody:
        wanted, url = {"Accept": "text/event-stream"}, f"/console/audit?client={client}"
        async with somebody.browser.http.stream("GET", url, headers=wanted, timeout=60) as answer:
            assert answer.status_code == 200
            monkeypatch.setattr(live_feed, "access_of", failing)
            await take(live, somebody.user, "auditor")
            data = [line async for line in answer.aiter_lines() if line.startswith("data")]
            assert (len(data), "no longer has the scope" in data[0]) == (1, True)
        assert failures > 1


async def test_the_log_has_a_page_with_its_checkpoints_keys_and_the_parts_that_a_browser_verifies(live: Live):
    async with staff(live, "auditor") as somebody, staff(live, "owner") as owner:
        await until(lambda: checkpoint(live))
        page = await somebody.look("/log")
        key = (await live.http.get("/log/key")).text.splitlines()[0]
        for text in (key, "muniment-verify --key log.vkey", "none has cosigned it"):
            assert text in page.text, text
        parts = {"key": 200, "inclusion&position=1": 200, "entries&number=0&width=1": 200, "inclusion&position=x": 400}
        for part, status in {**parts, "purple": 400, "inclusion&position=999999": 404}.items():
            answer = await somebody.browser.http.get(f"/console/log?part={part}")
            assert answer.status_code == status, (part, answer.text)
        assert (await owner.browser.http.get("/console/log?part=key")).status_code == 403


async def checkpoint(live: Live) -> bool:
    return (await live.http.get("/log/checkpoint")).status_code == 200
