"""The pages of clients in the console: found, created, changed, stopped, restored; and who may not."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import jwt

from service.clock import utc_now
from tests.flows.browsing import Shown, cookie_of
from tests.flows.conftest import Live
from tests.flows.consoles import Staff, form, staff
from tests.flows.test_cli import on
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"
HOSTILE = "<script>alert(1)</script>\"'>{{7*7}}"


async def read(live: Live, client: str) -> dict[str, Any]:
    return (await live.http.get(f"{CLIENTS}/{client}", headers=live.bearer)).json()


async def created(somebody: Staff, kind: str, **fields: str) -> httpx.Response:
    page = await somebody.look(f"/new/client?kind={kind}")
    return await somebody.send(page, "kind", **{"reason": "the first one", **fields})


def secret_of(answer: httpx.Response) -> str:
    found = re.search(r"secret_[\w-]{43}", answer.text)
    assert found, answer.text
    return found[0]


async def test_a_client_is_created_and_gets_its_first_token_with_the_secret_that_is_shown_once(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/client?kind=machine")
        fields = {"displayName": "CRM sync", "botUserId": "bot-crm", "scopes": "api:public crm:read", "reason": "CRM-7"}
        made = await somebody.led(await somebody.send(page, "kind", **fields))
        shown = Shown(made)
        assert shown.status == 200
        assert f"export MUNIMENT_CLIENT_SECRET={secret_of(made)}" in shown.text
        for name in ("curl", "Python", "Node", "Go", "Spring"):
            assert name in shown.text
        client = re.search(r"oauth_client_[0-9a-f]{32}", made.text)
        assert client
        token = await live.token_for(client[0], secret_of(made), scope="crm:read")
        assert token.json()["scope"] == "crm:read"
        reloaded, again = (
            await somebody.look(f"/new/client?made={client[0]}"),
            await somebody.send(page, "kind", **fields),
        )
        for other in (reloaded, Shown(await somebody.led(again))):
            assert (client[0] in other.text, "It was shown once." in other.text) == (True, True)
            assert secret_of(made) not in other.text
        assert secret_of(made) not in (await somebody.browser.http.get(f"/console/clients/{client[0]}/secrets")).text
        history = await live.http.get(f"{CLIENTS}/{client[0]}/history", headers=live.bearer)
        first = history.json()[-1]
        assert (first["reason"], first["actor"]["sub"]) == ("CRM-7", str(somebody.user))
        assert (await read(live, client[0]))["owner"] == str(somebody.user)


async def test_the_faults_of_a_form_stand_beside_their_fields_and_what_was_typed_stays(live: Live):
    async with staff(live, "operator") as somebody:
        sent = await created(
            somebody, "web", displayName="x" * 300, redirectUris="ftp://x", scopes="api:public", reason=""
        )
        assert (sent.status_code, 'id="f-reason-fault"' in sent.text) == (400, True)
        sent = await created(somebody, "web", displayName="x" * 300, redirectUris="ftp://x", scopes="api:public")
        assert sent.status_code == 400
        for field in ("displayName", "redirectUris"):
            assert f'id="f-{field}-fault"' in sent.text, field
        assert "x" * 300 in sent.text


async def test_a_list_is_filtered_paged_and_its_links_keep_the_filters(live: Live):
    async with staff(live, "operator") as somebody:
        for _ in range(51):
            await live.register(displayName="Paged & more")
        page = await somebody.look("/clients?q=paged+%26&state=active")
        following = next(link for link in page.links if "cursor=" in link)
        assert "q=paged+%26&state=active" in following
        second = Shown(await somebody.browser.http.get(following))
        assert second.text.count("Paged & more") == 1
        await live.register(displayName="Has the scope", scopes=["api:public", "paged:read"])
        having = await somebody.look("/clients?scope=paged:read")
        assert ("Has the scope" in having.text, "Paged & more" in having.text) == (True, False)
        nothing = await somebody.look("/clients?q=nobody-has-this")
        assert "No client matches" in nothing.text
        wrong = await somebody.look("/clients?state=purple")
        assert (wrong.status, "must be one of: active, disabled" in wrong.text) == (400, True)


async def test_the_headings_of_the_list_sort_it_and_the_address_keeps_order_and_filters(live: Live):
    async with staff(live, "operator") as somebody:

        async def at(url: str) -> tuple[str, Shown]:
            """The heading that the list is sorted by, with its direction, and the page."""
            answer = await somebody.browser.http.get(url)
            (found,) = re.findall(r'aria-sort="([a-z]+)"><a class="sort" href="[^"]+">([^<]+)</a>', answer.text)
            return " ".join(found), Shown(answer)

        for name in ("Sorted weft", "sorted bobbin", "Sorted loom"):
            await live.register(displayName=name)
        by, page = await at("/console/clients?q=sorted")
        assert by == "ascending Created"
        following = next(link for link in page.links if "order=name" in link)
        assert "q=sorted" in following
        by, page = await at(following)
        assert (by, _order(page, "bobbin", "loom", "weft")) == ("ascending Client", ["bobbin", "loom", "weft"])
        assert page.form("q").fields["order"] == "name"
        by, page = await at(next(link for link in page.links if "order=name_descending" in link))
        assert (by, _order(page, "bobbin", "loom", "weft")) == ("descending Client", ["weft", "loom", "bobbin"])
        by, _ = await at("/console/clients?order=recently_used")
        assert by == "descending Last used"
        for _ in range(51):
            await live.register(displayName="Sorted zettel")
        _, page = await at("/console/clients?q=sorted&order=name")
        by, rest = await at(next(link for link in page.links if "cursor=" in link))
        assert (by, rest.text.count("Sorted zettel")) == ("ascending Client", 4)
        assert any("q=sorted&order=name" in link and "cursor" not in link for link in rest.links)
        wrong = await somebody.look("/clients?order=purple")
        assert (wrong.status, "must be one of" in wrong.text) == (400, True)


async def test_a_list_shows_the_tokens_of_each_client_in_words_and_in_bars(live: Live):
    client, secret = await live.register(displayName="Counted")
    tokens = Counter([_day_of(await live.access_token(client, secret)) for _ in range(2)])

    def label() -> str:
        days = [utc_now().date() - timedelta(days=ago) for ago in reversed(range(14))]
        return f"Tokens on each of the last 14 days: {', '.join(str(tokens[day]) for day in days)}"

    async with staff(live, "operator") as somebody:
        await until(lambda: _has(somebody, "/clients?q=counted", f'aria-label="{label()}"'))
        busiest = f"2 in all, {max(tokens.values())} on the busiest day"
        await until(lambda: _has(somebody, f"/clients/{client}", busiest))


def _day_of(token: str) -> date:
    return datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["iat"], UTC).date()


def _order(page: Shown, *words: str) -> list[str]:
    return sorted(words, key=page.text.index)


async def _has(somebody: Staff, path: str, markup: str) -> bool:
    return markup in (await somebody.browser.http.get(f"/console{path}")).text


async def test_a_client_is_stopped_and_started_with_a_reason_that_the_page_then_shows(live: Live):
    client, secret = await live.register(displayName="Nightly export")
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}")
        without = await somebody.send(page, "disable")
        assert (without.status_code, (await read(live, client))["state"]) == (400, "active")
        sent = await somebody.send(page, "disable", reason="Überlastet seit gestern")
        assert sent.status_code == 303
        page = Shown(await somebody.browser.http.get(sent.headers["location"]))
        assert "The client is disabled." in page.text
        assert "Überlastet seit gestern" in page.text
        assert "Ada Lovelace" in page.text
        assert "The client is disabled." not in (await somebody.look(f"/clients/{client}")).text
        assert (await live.token_for(client, secret)).status_code == 401
        await somebody.send(page, "enable", reason="mended")
        assert (await live.token_for(client, secret)).status_code == 200


async def test_who_saves_an_old_version_is_shown_what_somebody_else_changed(live: Live):
    client, _ = await live.register(displayName="Before")
    async with staff(live, "operator") as somebody, staff(live, "operator") as other:
        page, theirs = await somebody.look(f"/clients/{client}/edit"), await other.look(f"/clients/{client}/edit")
        saved = await other.send(theirs, "version", displayName="Theirs", reason="their reason")
        assert saved.status_code == 303
        stale = await somebody.send(page, "version", displayName="Mine", reason="my reason")
        shown = Shown(stale)
        assert (shown.status, shown.form("version").fields["displayName"]) == (412, "Mine")
        for text in ("Another person changed this client meanwhile", "Theirs", "Before", "their reason"):
            assert text in shown.text
        assert (await read(live, client))["displayName"] == "Theirs"
        again = await somebody.send(shown, "version", reason="mine is right")
        assert again.status_code == 303
        assert (await read(live, client))["displayName"] == "Mine"


async def test_what_nobody_touched_in_a_form_comes_back_unchanged(live: Live):
    name, uris = "mi\u200ckhaham\u00a0<&", ["https://a.example/cb", "https://b.example/cb"]
    client, _ = await live.interactive(displayName=name, redirectUri=None, redirectUris=uris)
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/edit")
        fields = page.form("version").fields
        assert (fields["displayName"], fields["redirectUris"].splitlines()) == (name, uris)
        typed = "\r\n".join([*uris, "ftp://x"])
        back = Shown(await somebody.send(page, "version", redirectUris=typed, reason="a third"))
        assert (back.status, back.form("version").fields["redirectUris"].splitlines()) == (400, typed.splitlines())
        saved = await somebody.send(page, "version", reason="nothing but the reason")
        assert saved.status_code == 303, saved.text
        after = await read(live, client)
        assert (after["displayName"], after["redirectUris"]) == (name, uris)
        controls = await somebody.send(page, "version", displayName="a\x1b[2J\tb", reason="a control")
        assert Shown(controls).form("version").fields["displayName"] == "a\\x1b[2J\tb"


async def test_a_form_says_that_tokens_must_be_bound_to_a_key_and_one_without_the_field_changes_nothing(live: Live):
    client, _ = await live.register()
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/edit")
        saved = await somebody.send(page, "version", dpopBoundAccessTokens="yes", reason="x")
        assert saved.status_code == 303, saved.text
        assert (await read(live, client))["dpopBoundAccessTokens"] is True
        assert "Always: no token without a proof" in (await somebody.look(f"/clients/{client}")).text
        sent = form(await somebody.look(f"/clients/{client}/edit"), "version")
        lacking = {name: value for name, value in sent.fields.items() if name != "dpopBoundAccessTokens"}
        await somebody.browser.send(sent.__replace__(fields=lacking), displayName="New", reason="x")
        after = await read(live, client)
        assert (after["displayName"], after["dpopBoundAccessTokens"]) == ("New", True)
        page = await somebody.look(f"/clients/{client}/edit")
        await somebody.send(page, "version", dpopBoundAccessTokens="", reason="x")
        assert (await read(live, client))["dpopBoundAccessTokens"] is False


async def test_a_list_that_a_form_lacks_stays_as_it_is(live: Live):
    client, _ = await live.interactive(scopes=["api:public", "crm:read"])
    before = await read(live, client)
    async with staff(live, "operator") as somebody:
        sent = form(await somebody.look(f"/clients/{client}/edit"), "version")
        lacking = {name: value for name, value in sent.fields.items() if name not in ("scopes", "redirectUris")}
        saved = await somebody.browser.send(sent.__replace__(fields=lacking), displayName="New", reason="x")
        assert saved.status_code == 303, saved.text
    after = await read(live, client)
    assert after["displayName"] == "New"
    assert [after[name] for name in ("scopes", "redirectUris")] == [before[name] for name in ("scopes", "redirectUris")]


async def test_a_secret_is_rotated_without_an_outage(live: Live):
    client, old = await live.register()
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/secrets")
        fields = {"name": "rotation", "days": "90", "others": "7", "reason": "yearly"}
        await somebody.send(page, "key", **fields)  # its answer gets lost
        new = secret_of(await somebody.led(await somebody.send(page, "key", **fields)))
        for other in (await somebody.look(f"/clients/{client}/secrets"), await _again(somebody, page, fields)):
            assert (other.status, new in other.text, "This is the only time" in other.text) == (200, False, False)
        assert "The secret was shown before" in (await _again(somebody, page, fields)).text
        first, _ = (await live.http.get(f"{CLIENTS}/{client}/secrets", headers=live.bearer)).json()
        assert first["expiresUtc"] is not None
        for secret in (old, new):
            assert (await live.token_for(client, secret)).status_code == 200
        page = await somebody.look(f"/clients/{client}/secrets")
        first = next(each for each in page.forms if each.fields.get("do", "").startswith("revoke-"))
        sent = await somebody.browser.send(first, reason="rotated")
        assert sent.status_code == 303
        assert (await live.token_for(client, old)).status_code == 401
        assert (await live.token_for(client, new)).status_code == 200
        listed = (await live.http.get(f"{CLIENTS}/{client}/secrets", headers=live.bearer)).json()
        assert [(each["name"], each["expiresUtc"] is None) for each in listed] == [("rotation", False)]
        gone = await somebody.browser.send(first, reason="rotated")
        assert gone.status_code == 404


async def test_a_deleted_client_is_restored(live: Live):
    client, secret = await live.register(displayName="Deleted by mistake")
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}")
        sent = await somebody.send(page, "delete", reason="no longer used")
        page = Shown(await somebody.browser.http.get(sent.headers["location"]))
        assert (page.status, "Deleted client" in page.text, "no longer used" in page.text) == (200, True, True)
        back = await somebody.led(await somebody.send(page, "restore", reason="still used"))
        assert "The client is restored." in back.text
        assert (await read(live, client))["displayName"] == "Deleted by mistake"
        assert (await live.token_for(client, secret)).status_code == 200
        page = await somebody.look(f"/clients/{client}")
        await somebody.send(page, "delete", reason="no longer used")
        deleted = await somebody.look(f"/clients/{client}")
        made = await somebody.browser.http.post(
            f"/console/clients/{client}", data={**form(deleted, "restore").fields, "keep": "", "reason": "again"}
        )
        name = cookie_of(live, "console_secret")
        old = somebody.browser.http.cookies[name]
        shown = await somebody.led(made)
        assert ("The client is restored, with a new secret." in shown.text, "Wait until" in shown.text) == (True, False)
        new = secret_of(shown)
        assert (await live.token_for(client, new)).status_code == 200
        for cookie in ("", old):
            somebody.browser.http.cookies.set(name, cookie)
            assert new not in (await somebody.led(made)).text


async def test_a_secret_is_shown_to_nobody_but_who_made_it_and_on_no_page_of_another_client(live: Live):
    client, _ = await live.register()
    other, _ = await live.register()
    async with staff(live, "operator") as somebody, staff(live, "operator") as neighbour:
        page = await somebody.look(f"/clients/{client}/secrets")
        made = await somebody.send(page, "key", reason="x")
        name = cookie_of(live, "console_secret")
        neighbour.browser.http.cookies.set(name, somebody.browser.http.cookies[name])
        for who, path in ((neighbour, f"/clients/{client}/secrets"), (somebody, f"/clients/{other}/secrets")):
            assert "The new secret" not in (await who.look(path)).text
        assert secret_of(await somebody.led(made))
        assert name not in somebody.browser.http.cookies


async def test_a_link_to_another_new_client_leaves_a_secret_that_was_not_shown_yet(live: Live):
    client, other = (await live.register())[0], (await live.register())[0]
    async with staff(live, "operator") as somebody:
        made = await somebody.send(await somebody.look(f"/clients/{client}/secrets"), "key", reason="x")
        assert (await somebody.look(f"/new/client?made={other}")).status == 200
        assert secret_of(await somebody.led(made))


async def test_the_page_of_a_new_client_refuses_what_is_no_id(live: Live):
    async with staff(live, "operator") as somebody:
        for made in ("x", "a%2Fhistory", "..%2F..%2Fusers", "%00"):
            assert (await somebody.look(f"/new/client?made={made}")).status in (400, 404), made


async def _again(somebody: Staff, page: Shown, fields: dict[str, str]) -> Shown:
    """The page to which the form leads that is sent again."""
    return Shown(await somebody.led(await somebody.send(page, "key", **fields)))


async def test_an_auditor_reads_everything_and_is_refused_every_change(live: Live):
    client, _ = await live.register(displayName="Read only")
    async with staff(live, "auditor") as auditor, staff(live, "operator") as operator:
        for path in ("", "/clients", f"/clients/{client}", f"/clients/{client}/secrets"):
            page = await auditor.look(path)
            assert (page.status, len(page.forms) <= 3) == (200, True)
            assert all("do" not in each.fields for each in page.forms), path
        assert (await auditor.look("/new/client")).status == 403
        assert (await auditor.look(f"/clients/{client}/edit")).status == 403
        theirs = form(await operator.look(f"/clients/{client}"), "disable")
        token = (await auditor.look(f"/clients/{client}")).forms[0].fields["csrf"]
        sent = await auditor.browser.send(theirs, reason="x", csrf=token)
        assert (sent.status_code, "Roles that allow it: Operator, Owner" in Shown(sent).text) == (403, True)
        assert (await read(live, client))["state"] == "active"
        await until(lambda: _is_recorded(live, auditor))


async def test_an_auditor_who_looks_at_a_deleted_client_attempts_nothing(live: Live):
    client, _ = await live.register(displayName="Deleted")
    await live.http.delete(f"{CLIENTS}/{client}", headers=live.bearer)
    async with staff(live, "auditor") as auditor:
        page = await auditor.look(f"/clients/{client}")
        assert ("Deleted client" in page.text, all("do" not in each.fields for each in page.forms)) == (True, True)
        refusals = "select count(*) from log.events where type = 'refusal.not_permitted' and position(convert_to($1, 'UTF8') in meta) > 0"
        assert await live.beside.ledger.pool.fetchval(refusals, str(auditor.user)) == 0


async def test_an_owner_manages_the_clients_of_their_own_and_finds_no_others(live: Live):
    foreign, _ = await live.register(displayName="Not theirs")
    async with staff(live, "owner") as owner:
        made = await created(owner, "machine", displayName="Their own", botUserId="bot-own", scopes="api:public")
        assert secret_of(await owner.led(made))
        listed = await owner.look("/clients")
        assert ("Their own" in listed.text, "Not theirs" in listed.text) == (True, False)
        assert (await owner.look(f"/clients/{foreign}")).status == 404
        too_much = await created(owner, "machine", botUserId="bot-x", scopes="operate")
        assert too_much.status_code == 403
        assert "your token lacks: operate" in Shown(too_much).text
        assert "Their own" in (await owner.look("")).text


async def test_an_id_that_nobody_has_is_a_page(live: Live):
    async with staff(live, "operator") as somebody:
        for path in ("oauth_client_" + "0" * 32, "x" * 2000, "%00", "%F0%9F%92%A3", "..%252f..", "%E2%80%AE"):
            for rest in ("", "/secrets", "/edit"):
                page = await somebody.look(f"/clients/{path}{rest}")
                assert page.status in (400, 404), (path, rest)


async def test_a_hostile_name_is_harmless_in_every_cell(live: Live):
    """The API refuses controls in a name; a reason and a `sub` from before, or of an imported client, may have anything visible."""
    client, _ = await live.register(displayName=HOSTILE, botUserId=HOSTILE, scopes=["api:public", "a'b<c>"])
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}")
        await somebody.send(page, "disable", reason=HOSTILE)
        await somebody.send(page, "disable", reason=HOSTILE)
        await until(lambda: _shows(somebody, "", HOSTILE))
        for path in (
            "",
            "/clients?q=%3Cscript",
            f"/clients/{client}",
            f"/clients/{client}/edit",
            f"/clients/{client}/secrets",
        ):
            answer = await somebody.browser.http.get(f"/console{path}")
            assert "<script>alert" not in answer.text, path
            assert HOSTILE in Shown(answer).text or path.endswith("/edit"), path
            assert "49" not in Shown(answer).form("csrf").fields.get("displayName", "")


async def _is_recorded(live: Live, auditor: Staff) -> bool:
    """Whether the refusal of what the auditor tried is an event, which anybody finds by the auditor's id."""
    query = {"type": "refusal.not_permitted", "actor": str(auditor.user)}
    answer = await live.http.get("/api/v1/audit/events", params=query, headers=live.bearer)
    found = [each["data"]["request"] for each in answer.json()] if answer.status_code == 200 else []
    return found == ["POST /api/v1/auth/clients/{client_id}/disable"]


async def _shows(somebody: Staff, path: str, text: str) -> bool:
    return text in (await somebody.look(path)).text


async def test_a_first_token_with_a_name_that_has_quotes_is_still_a_program(live: Live):
    async with staff(live, "operator") as somebody:
        made = await created(somebody, "machine", botUserId="b", scopes="it's:$HOME `id`")
        shown = Shown(await somebody.led(made))
        assert shown.status == 200
        assert "'scope=it'\"'\"'s:$HOME `id`'" in shown.text


async def test_scopes_and_addresses_are_typed_with_commas_as_people_do(live: Live):
    async with staff(live, "operator") as somebody:
        made = await created(
            somebody,
            "web",
            redirectUris="https://a.example/cb, https://b.example/cb?x=1,2",
            scopes="crm:read, crm:write,",
        )
        client = re.search(r"oauth_client_[0-9a-f]{32}", made.headers["location"])
        assert client
        shown = await read(live, client[0])
        assert shown["scopes"] == ["crm:read", "crm:write"]
        assert shown["redirectUris"] == ["https://a.example/cb", "https://b.example/cb?x=1,2"]
        page = await somebody.look(f"/clients/{client[0]}/edit")
        await somebody.led(await somebody.send(page, "displayName", scopes="crm:read,crm:admin", reason="more"))
        assert (await read(live, client[0]))["scopes"] == ["crm:read", "crm:admin"]


async def test_a_deleted_client_is_found_by_its_name(live: Live):
    client, _ = await live.register(displayName="Gone for good")
    other, _ = await live.register(displayName="Still here for good")
    await live.http.delete(f"{CLIENTS}/{client}", headers=live.bearer)
    query = {"state": "deleted", "q": "for good"}

    async def is_listed() -> bool:
        found = await live.http.get(CLIENTS, params=query, headers=live.bearer)
        return [(each["clientId"], each["state"]) for each in found.json()] == [(client, "deleted")]

    await until(is_listed)
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/clients?state=deleted&q=gone+for&order=name")
        assert (page.status, "Gone for good" in page.text, other in page.text) == (200, True, False)
        await until(lambda: _shows(somebody, "/audit?type=client.deleted", "Client deleted · Gone for good"))
    listed = await on(live.database, "clients", "list", "--state", "deleted", "--name", "gone for", "--json")
    assert [(each["client_id"], each["state"]) for each in listed.json] == [(client, "deleted")]
    refused = await live.http.get(CLIENTS, params={**query, "order": "name", "usageDays": "2"}, headers=live.bearer)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"order", "usageDays"})


async def test_clients_whose_secrets_expire_soon_are_found(live: Live):
    soon, later, never = [(await live.register(displayName=f"Expiry {name}"))[0] for name in ("soon", "later", "never")]
    for client, days in ((soon, 5), (later, 60)):
        ends = (utc_now() + timedelta(days=days)).isoformat()
        added = await live.http.post(f"{CLIENTS}/{client}/secrets", json={"expiresUtc": ends}, headers=live.bearer)
        assert added.status_code == 201, added.text
    query = {"q": "Expiry ", "expiresWithin": "30"}
    found = (await live.http.get(CLIENTS, params=query, headers=live.bearer)).json()
    assert [each["clientId"] for each in found] == [soon]
    assert found[0]["nextExpiryUtc"] > found[0]["oldestSecretUtc"]
    async with staff(live, "operator") as somebody:
        page = (await somebody.look("/clients?q=Expiry&expiresWithin=90&order=name")).text
        assert ("Expiry soon" in page, "Expiry later" in page, "Expiry never" in page) == (True, True, False)
        assert "Without the filter A secret expires in 90 days" in page
    listed = await on(live.database, "clients", "list", "--name", "Expiry ", "--expires-within", "7", "--json")
    assert [each["client_id"] for each in listed.json] == [soon]
    refused = await live.http.get(CLIENTS, params={**query, "as_of": "2026-01-01"}, headers=live.bearer)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"expiresWithin"})
    assert never not in page


async def test_a_form_says_how_a_client_asks_for_a_sign_in_and_one_without_the_fields_changes_nothing(live: Live):
    wanted: dict[str, Any] = {
        "requirePushedAuthorizationRequests": True,
        "requireSignedRequestObject": True,
        "requestObjectSigningAlg": "PS256",
        "authorizationSignedResponseAlg": "ES256",
        "userinfoSignedResponseAlg": "RS256",
        "deviceGrant": True,
    }
    client, _ = await live.interactive()
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/edit")
        typed = {name: "yes" if value is True else value for name, value in wanted.items()}
        saved = await somebody.send(page, "version", **typed, reason="x")
        assert saved.status_code == 303, saved.text
        assert wanted.items() <= (await read(live, client)).items()
        shown = (await somebody.look(f"/clients/{client}")).text
        assert "It sends them to the server first (PAR)" in shown
        assert "Allowed: people type a code that the device shows" in shown
        assert "It signs them (JAR)" in shown
        sent = form(await somebody.look(f"/clients/{client}/edit"), "version")
        lacking = {name: value for name, value in sent.fields.items() if name not in wanted}
        await somebody.browser.send(sent.__replace__(fields=lacking), displayName="New", reason="x")
        assert {"displayName": "New", **wanted}.items() <= (await read(live, client)).items()
