"""/console: who gets in, who stays in, and what holds on every page."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from events.envelope import ByService, Meta
from service.console.registration import CLIENT_ID
from service.values.roles import ROLES
from service.values.scopes import ACRS
from tests.flows.browsing import Shown, browser
from tests.flows.conftest import META, Live, new_database, serving
from tests.flows.consoles import CONSOLE, console_cookie, form, give, opened, paths, places, staff, take, visitor
from tests.flows.people import registered, walked
from tests.rules.test_traceparent import GOOD, TRACE

NOT_HERE = "/console/callback"


async def test_a_person_with_a_role_signs_in_through_the_pages_and_is_asked_for_no_consent(live: Live):
    user, email = await registered(live)
    await give(live, user, "operator")
    async with httpx.AsyncClient(base_url=live.url) as http:
        back = await walked(http, "/console/clients?state=active", email, consent="never", then="/console/clients")
        assert back == "/console/clients?state=active"
        page = await http.get(back)
    assert (page.status_code, "Clients" in page.text) == (200, True)
    client = (await live.http.get(f"/api/v1/auth/clients/{CLIENT_ID}", headers=live.bearer)).json()
    assert (client["firstParty"], client["requirePkce"], client["owner"]) == (True, True, "muniment")
    assert client["redirectUris"] == [f"{live.url}/console/callback"]
    assert client["scopes"] == []


async def test_the_request_has_pkce_state_and_nonce_and_the_cookie_says_nothing(live: Live):
    async with visitor(live) as somebody:
        await give(live, somebody.user, "owner")
        begun = await somebody.browser.http.get("/console")
        query = parse_qs(urlsplit(begun.headers["location"]).query)
        assert (query["response_type"], query["code_challenge_method"], query["scope"]) == (
            ["code"],
            ["S256"],
            ["openid"],
        )
        assert {"state", "nonce", "code_challenge"} <= query.keys()
        page = await opened(somebody)
        assert page.status_code == 200
        kept = somebody.browser.http.cookies[console_cookie(live)]
        assert str(somebody.user) not in kept
        assert len(kept) < 400


async def test_somebody_without_a_role_is_told_whom_to_ask_and_sees_nothing(live: Live):
    async with visitor(live) as somebody:
        page = Shown(await opened(somebody, "/clients"))
        assert page.status == 403
        assert "Ask an operator to give you a role." in page.text
        assert "Directory" not in page.text


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_that_is_taken_away_ends_its_pages_at_once(live: Live, role):
    async with staff(live, role) as somebody:
        assert (await somebody.look("/clients")).status == 200
        await take(live, somebody.user, role)
        assert (await somebody.look("/clients")).status == 403
        await give(live, somebody.user, role)
        assert (await somebody.look("/clients")).status == 200


async def test_what_ends_the_sign_in_ends_the_console(live: Live):
    meta = Meta(actor=ByService(why="test"), request_id="test")
    async with staff(live, "operator") as ended, staff(live, "operator") as disabled, staff(live, "operator") as off:
        await live.beside.sessions.end_all(ended.user, "ended_by_user", meta)
        await live.beside.people.disable(disabled.user, META)
        for somebody in (ended, disabled):
            answer = await somebody.browser.http.get("/console")
            assert (answer.status_code, "/openid/authorize?" in answer.headers["location"]) == (303, True)
        page = await off.look("")
        left = await off.browser.http.post("/console/sign-out", data=page.forms[0].fields)
        assert (left.status_code, left.headers["location"]) == (303, "/signed-out")
        assert "/openid/authorize?" in (await off.browser.http.get("/console")).headers["location"]


async def test_signing_out_ends_the_session_also_when_the_authorization_of_the_console_is_gone(live: Live):
    async with staff(live, "operator") as somebody:
        cookies, page = somebody.browser.http.cookies, await somebody.look("")
        session = cookies[live.beside.sessions.cookie]
        cookies.delete(console_cookie(live))
        assert await live.beside.sessions.current(session) is not None
        left = await somebody.browser.http.post("/console/sign-out", data=page.forms[0].fields)
        assert (left.status_code, left.headers["location"]) == (303, "/signed-out")
        assert await live.beside.sessions.current(session) is None


async def test_the_events_of_the_console_itself_name_the_trace_of_the_request(live: Live):
    secrets = f"/api/v1/auth/clients/{CLIENT_ID}/secrets"
    named = {"traceparent": GOOD.replace(TRACE, "c0" * 16)}
    async with staff(live, "operator") as somebody:
        page = await somebody.look("")
        for secret in (await live.http.get(secrets, headers=live.bearer)).json():
            await live.http.delete(f"{secrets}/{secret['secretId']}", headers=live.bearer)
        await somebody.browser.http.post("/console/sign-out", data=page.forms[0].fields, headers=named)
        await somebody.browser.http.get("/console", headers=named)
    recorded = await live.beside.ledger.pool.fetch(
        "select type from log.events where position(convert_to($1, 'UTF8') in meta) > 0", "c0" * 16
    )
    assert {row["type"] for row in recorded} >= {"session.ended", "client.secret_added"}


async def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(live: Live):
    async with visitor(live) as somebody, browser(live) as other:
        await give(live, somebody.user, "operator")
        begun = await somebody.browser.http.get("/console")
        answer = await somebody.browser.http.get(begun.headers["location"])
        assert answer.headers["location"].startswith(f"{live.url}/console/callback?code=")
        for query in ("", "?code=x&state=y", f"?{urlsplit(answer.headers['location']).query}"):
            page = await other.look(f"/console/callback{query}")
            assert (page.status, "The sign-in didn't finish" in page.text) == (400, True)
        assert console_cookie(live) not in other.http.cookies
        assert (await opened(somebody)).status_code == 200


async def test_a_second_factor_is_needed_where_the_deployment_demands_it(postgres: str):
    async with serving(await new_database(postgres), console_second_factor=True) as live:
        async with staff(live, "operator", acr=ACRS[1]) as proved:
            assert (await proved.look("")).status == 200
        async with visitor(live) as somebody:
            await give(live, somebody.user, "operator")
            begun = await somebody.browser.http.get("/console")
            step = await somebody.browser.http.get(begun.headers["location"])
            assert urlsplit(step.headers["location"]).path == "/signin"


async def test_a_console_whose_client_was_deleted_says_how_it_comes_back(postgres: str):
    async with serving(await new_database(postgres)) as live, staff(live, "operator") as somebody:
        client = f"/api/v1/auth/clients/{CLIENT_ID}"
        assert (await live.http.delete(client, headers=live.bearer)).status_code == 204
        page = await somebody.look("")
        assert (page.status, f"muniment clients restore {CLIENT_ID}" in page.text) == (503, True)
        last = (await live.http.get(f"{client}/history", headers=live.bearer)).json()[0]
        body = {"asOf": f"position:{last['position'] - 1}", "keepSecrets": True}
        assert (await live.http.post(f"{client}/restore", json=body, headers=live.bearer)).status_code == 200
        begun = await somebody.browser.http.get("/console")
        assert begun.status_code == 303, "what was granted before the deletion is not valid again"
        assert (await opened(somebody)).status_code == 200


@pytest.mark.parametrize(
    "path",
    paths(
        dict.fromkeys(
            (
                "client_id",
                "bot_id",
                "api_id",
                "issuer_id",
                "token_id",
                "user_id",
                "position",
                "name",
                "jti",
                "session_id",
                "kid",
            ),
            "x",
        )
    ),
)
async def test_nobody_sees_a_page_without_signing_in(live: Live, path: str):
    answer = await live.http.get(f"/console{path}", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/openid/authorize?")
    assert (await live.http.post(f"/console{path}", data={"csrf": "x"})).status_code in (403, 405)


async def test_every_page_loads_nothing_from_elsewhere_and_has_no_inline_code(live: Live):
    async with staff(live, "operator") as somebody:
        for path in paths(await places(live)):
            page = await somebody.look(path)
            assert page.status == 200, path
            assert page.inline == [], path
            assert all(url.startswith("/console/assets/") for url in page.loads), path
            policy = page.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
            assert page.headers["cache-control"] == "no-store"
        nowhere = await somebody.look("/nowhere")
        assert nowhere.status == 404
        script = await somebody.browser.http.get(next(url for url in nowhere.loads if url.endswith(".js")))
        assert script.headers["content-type"].startswith("text/javascript")


async def test_a_form_from_elsewhere_changes_nothing(live: Live):
    client, _ = await live.register()
    async with staff(live, "operator") as somebody, staff(live, "operator") as other:
        page, theirs = await somebody.look(f"/clients/{client}"), await other.look(f"/clients/{client}")
        sent = form(page, "disable")
        for headers, fields in (
            ({}, {"csrf": ""}),
            ({}, {"csrf": form(theirs, "disable").fields["csrf"]}),
            ({"Origin": "https://evil.example"}, {}),
            ({"Sec-Fetch-Site": "cross-site"}, {}),
        ):
            answer = await somebody.browser.send(sent, headers=headers, reason="x", **fields)
            assert answer.status_code == 403
        shown = (await live.http.get(f"/api/v1/auth/clients/{client}", headers=live.bearer)).json()
        assert shown["state"] == "active"


async def test_a_form_from_before_another_sign_in_changes_nothing(live: Live):
    client, _ = await live.register()
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}")
        session = await live.beside.sessions.start((await registered(live))[0], ("pwd",), ACRS[0], None)
        somebody.browser.http.cookies.set(live.beside.sessions.cookie, session)
        somebody.browser.http.cookies.delete(console_cookie(live))
        signed_out = await somebody.send(page, "disable", reason="x")
        assert (signed_out.status_code, "You're signed out" in Shown(signed_out).text) == (401, True)
        await opened(somebody)
        another = await somebody.send(page, "disable", reason="x")
        assert another.status_code == 403
        assert (await live.http.get(f"/api/v1/auth/clients/{client}", headers=live.bearer)).json()["state"] == "active"


async def test_another_site_has_no_page_read_in_the_name_of_a_person_but_may_link_to_it(live: Live):
    """Each read of the audit feed is an event, which names the person and the filters."""
    path = "/audit?type=user.erased&since=position:1"
    recorded = """
        select count(*) from log.events where type = 'audit.read' and position(convert_to($1, 'UTF8') in meta) > 0
           and position(convert_to('user.erased', 'UTF8') in data) > 0"""
    async with staff(live, "auditor") as somebody:
        for site in ("cross-site", "same-site"):
            for mode, dest in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("no-cors", "script")):
                fetched = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
                page = await somebody.look(path, **fetched)
                assert (page.status, "Ada Lovelace" in page.text) == (403, False), fetched
        ahead = {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"}
        assert (await somebody.look(path, **ahead)).status == 403
        assert await live.beside.ledger.pool.fetchval(recorded, str(somebody.user)) == 0
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert (await somebody.look(path, **link)).status == 200
        assert await live.beside.ledger.pool.fetchval(recorded, str(somebody.user)) == 1


async def test_a_german_reads_german(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/clients", **{"Accept-Language": "fr, de;q=0.5"})
        assert (page.language, "Neuer Client" in page.text) == ("de", True)


async def test_the_address_of_a_caller_in_the_scope_is_no_header(live: Live):
    for name in ("muniment.caller", "Muniment-Caller"):
        answer = await live.http.get("/api/v1/auth/clients", headers={name: "operator"})
        assert answer.status_code == 401


async def test_the_overview_says_how_many_tokens_were_issued(live: Live):
    await live.access_token(*await live.register())
    async with staff(live, "operator") as somebody:
        page = await somebody.look("")
    counted = re.search(r"(\d+) today", page.text)
    assert counted
    assert int(counted[1]) >= 1
    assert "Tokens of the last 30 days" in page.text


async def test_a_page_about_nothing_says_so_to_each_role_and_leads_to_the_list(live: Live):
    async with staff(live, "operator") as operator, staff(live, "owner") as owner:
        path = f"/clients/oauth_client_{'0' * 32}/history"
        for somebody, said in ((operator, "There is no client with this ID."), (owner, "or isn't yours.")):
            page = await somebody.look(path)
            assert (page.status, said in page.text) == (404, True)
            assert f"{CONSOLE}/clients" in [re.sub("^https?://[^/]+", "", link) for link in page.links]
            assert not any(link.endswith("/secrets") for link in page.links)


async def test_each_tab_of_a_client_has_a_title_of_its_own_and_a_new_client_belongs_to_the_clients(live: Live):
    client, _ = await live.register(displayName="Titled")
    async with staff(live, "operator") as somebody:
        titles = set[str]()
        for path in ("", "/secrets", "/history", "/tokens", "/blast-radius", "/edit"):
            text = (await somebody.browser.http.get(f"{CONSOLE}/clients/{client}{path}")).text
            titles.add(text.partition("<title>")[2].partition("</title>")[0])
        assert (len(titles), all("Titled" in title for title in titles)) == (6, True)
        new = (await somebody.browser.http.get(f"{CONSOLE}/new/client")).text
        assert re.search(r'/console/clients" aria-current="page"', new)


async def test_another_method_for_a_file_of_the_console_is_refused_by_a_page(live: Live):
    answer = await live.http.post("/console/assets/console.css")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in answer.headers
