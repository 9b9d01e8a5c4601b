"""GET/POST /openid/authorize: who may ask for what, and where each refusal goes."""

import re
from contextlib import AsyncExitStack
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from service.crypto.base64url import as_text
from service.values.scopes import ACRS
from tests.flows.conftest import META, Live, new_database, serving
from tests.flows.people import (
    CALLBACK,
    DEEP_HINT,
    PASSWORD,
    Forms,
    allow,
    asked,
    logged_in,
    registered,
    sent_back,
    walked_through,
)
from tests.flows.test_rate_limits import whole_minute

RESOURCE = "https://api.example.com/v1"


@pytest.fixture
async def client(live: Live) -> str:
    client_id, _ = await live.interactive(displayName="My Web App", apis=None)
    return client_id


async def test_who_is_not_logged_in_is_sent_to_sign_in_with_the_request_sealed(live: Live, client: str):
    answer = await asked(live.http, client, login_hint="ada-lovelace@example.com")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin?request=")
    for part in ("lovelace", "example"):  # what is sealed has three given letters by chance
        assert part not in answer.headers["location"]
    assert client not in answer.headers["location"]


async def test_who_has_not_allowed_it_is_asked(live: Live, client: str):
    async with logged_in(live) as person:
        answer = await asked(person.browser, client)
        assert answer.headers["location"].startswith("/consent?request=")
        await allow(live, person.user, client, "openid")
        going_on = answer.headers["location"].replace("/consent", "/openid/continue")
        given = sent_back(await person.browser.get(going_on))
    assert set(given) == {"code", "state", "iss"}
    assert (given["state"], given["iss"]) == ("st-1", live.url)


async def test_who_has_allowed_it_goes_straight_back_and_is_asked_again_for_more(live: Live, client: str):
    async with logged_in(live) as person:
        await allow(live, person.user, client, "openid profile")
        assert "code" in sent_back(await asked(person.browser, client, scope="openid"))
        more = await asked(person.browser, client, scope="openid profile email")
        assert more.headers["location"].startswith("/consent")
        elsewhere = await asked(person.browser, client, scope="openid", resource=RESOURCE)
        assert elsewhere.headers["location"].startswith("/consent")


async def test_a_post_is_as_good_as_a_get(live: Live, client: str):
    form = {
        "client_id": client,
        "redirect_uri": CALLBACK,
        "response_type": "token",
    }  # what is good goes on: test_meanwhile
    given = sent_back(await live.http.post("/openid/authorize", data=form))
    assert given["error"] == "unsupported_response_type"


async def test_an_operator_may_let_a_client_skip_the_question(live: Live):
    client, _ = await live.interactive(firstParty=True)
    async with logged_in(live) as person:
        assert "code" in sent_back(await asked(person.browser, client, scope="openid profile"))


TOLD = {
    "response_type left out": ({"response_type": None}, "invalid_request"),
    "the implicit flow": ({"response_type": "id_token"}, "unsupported_response_type"),
    "half of PKCE": ({"code_challenge": None}, "invalid_request"),
    "plain PKCE": ({"code_challenge_method": "plain"}, "invalid_request"),
    "plain PKCE by leaving the method out": ({"code_challenge_method": None}, "invalid_request"),
    "a challenge that is no SHA-256": ({"code_challenge": "short"}, "invalid_request"),
    "scopes that nobody knows, alone": ({"scope": "galaxies stars"}, "invalid_scope"),
    "a response by message": ({"response_mode": "web_message"}, "invalid_request"),
    "a request object": ({"request": "e30.e30."}, "request_not_supported"),
    "a long request object": ({"request": "e" * 5000}, "request_not_supported"),
    "a state without end": ({"state": "s" * 4097}, "invalid_request"),
    "a request by reference": ({"request_uri": "https://app.example.com/r"}, "request_uri_not_supported"),
    "a self-issued registration": ({"registration": "{}"}, "registration_not_supported"),
    "a prompt that nobody knows": ({"prompt": "create"}, "invalid_request"),
    "none beside another prompt": ({"prompt": "none login"}, "invalid_request"),
    "an age that is no number": ({"max_age": "-1"}, "invalid_request"),
    "a relative resource": ({"resource": "/api"}, "invalid_target"),
    "a resource over plain http": ({"resource": "http://api.example.com"}, "invalid_target"),
    "claims about two people": (
        {"claims": '{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}'},
        "invalid_request",
    ),
    "a resource with a fragment": ({"resource": f"{RESOURCE}#x"}, "invalid_target"),
    "claims that are no JSON": ({"claims": "{"}, "invalid_request"),
    "claims that are a list": ({"claims": "[]"}, "invalid_request"),
    "a hint that is no ID token": ({"id_token_hint": "e30.e30.e30"}, "invalid_request"),
    "a hint nested in itself": ({"id_token_hint": DEEP_HINT}, "invalid_request"),
    "claims nested in each other": ({"claims": "[" * 2048}, "invalid_request"),
    "claims nested in each other and closed": (
        {"claims": '{"id_token":{"email":' + "[" * 900 + "]" * 900 + "}}"},
        "invalid_request",
    ),
    "a nonce beyond ASCII": ({"nonce": "n\u00fc"}, "invalid_request"),
    "a parameter without end": ({"nonce": "n" * 2049}, "invalid_request"),
    "silence where nobody is logged in": ({"prompt": "none"}, "login_required"),
}


@pytest.mark.parametrize(("params", "error"), TOLD.values(), ids=TOLD)
async def test_the_client_is_told_of(live: Live, client: str, params: dict[str, str | None], error: str):
    given = sent_back(await asked(live.http, client, **params))
    assert set(given) == {"error", "error_description", "state", "iss"}
    assert (given["error"], given["state"], given["iss"]) == (error, params.get("state", "st-1"), live.url)
    assert given["error_description"].endswith(".")


async def test_a_parameter_that_comes_twice_is_told_and_named(live: Live, client: str):
    query = f"client_id={client}&redirect_uri={CALLBACK}&response_type=code&scope=openid&scope=email"
    given = sent_back(await live.http.get(f"/openid/authorize?{query}"))
    assert given["error"] == "invalid_request"
    assert "scope" in given["error_description"]


async def test_each_of_several_resources_must_be_one_that_the_client_may_use(live: Live, client: str):
    strict, _ = await live.interactive(displayName="granted no API")
    for one, resources in ((strict, f"resource={RESOURCE}"), (client, f"resource={RESOURCE}&audience=&resource=/2")):
        query = f"client_id={one}&redirect_uri={CALLBACK}&response_type=code&scope=openid&{resources}"
        assert sent_back(await live.http.get(f"/openid/authorize?{query}"))["error"] == "invalid_target"


async def test_a_redirect_uri_keeps_its_query(live: Live):
    uri = "https://app.example.com/cb?tenant=7"
    client, _ = await live.interactive(redirectUri=uri)
    given = sent_back(await asked(live.http, client, redirect_uri=uri, prompt="none"), uri)
    assert (given["tenant"], given["error"]) == ("7", "login_required")


SHOWN = {
    "no client_id": ({"client_id": None}, "client_id is missing"),
    "an unknown client": ({"client_id": "oauth_client_" + 32 * "0"}, "No client has this client_id"),
    "a client_id of another kind": ({"client_id": "x\u0000y"}, "No client has this client_id"),
    "no redirect URI": ({"redirect_uri": None}, "redirect_uri is missing"),
    "another path": ({"redirect_uri": "https://app.example.com/callback"}, "in: path."),
    "another host": ({"redirect_uri": "https://app.example.org/cb"}, "in: host."),
    "another port and scheme": ({"redirect_uri": "http://app.example.com:81/cb"}, "in: scheme, port."),
    "a query more": ({"redirect_uri": f"{CALLBACK}?x=1"}, "in: query."),
    "a slash more": ({"redirect_uri": f"{CALLBACK}/"}, "in: path."),
    "an empty fragment more": ({"redirect_uri": f"{CALLBACK}#"}, "in: spelling."),
    "another case of the host": ({"redirect_uri": "https://APP.example.com/cb"}, "in: spelling."),
    "user information": ({"redirect_uri": "https://app.example.com@evil.example/cb"}, "in: host."),
    "no URI at all": ({"redirect_uri": "http://["}, "in: form."),
}


@pytest.mark.parametrize(("params", "said"), SHOWN.values(), ids=SHOWN)
async def test_the_person_is_told_and_nobody_is_sent_anywhere(
    live: Live, client: str, params: dict[str, str | None], said: str
):
    answer = await asked(live.http, client, **params)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    text = re.sub(r"\s+", " ", answer.text)
    assert said in text
    assert CALLBACK not in text  # what is registered is nobody's business


async def test_a_redirect_uri_that_is_not_registered_is_an_event_without_what_was_sent(live: Live):
    async def ask() -> list[str]:
        client, _ = await live.interactive()
        for _ in range(12):
            await asked(live.http, client, redirect_uri="https://evil.example/cb")
        rows = await live.beside.ledger.pool.fetch(
            "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization' order by position"
        )
        return [row[0] for row in rows if client in row[0]]

    ours = await whole_minute(live, ask)
    assert len(ours) == 10  # in a minute: strangers do not fill the log
    assert all("redirect_uri differs in: host" in told and "evil" not in told for told in ours)


async def test_machines_are_nobody_to_log_in_through(live: Live):
    machine, _ = await live.register(redirectUri=CALLBACK)
    answer = await asked(live.http, machine)
    assert answer.status_code == 400
    assert "cannot sign in through this client" in answer.text


async def test_a_client_that_was_switched_off_lets_nobody_in(live: Live, client: str):
    await live.http.post(f"/api/v1/auth/clients/{client}/disable", headers=live.bearer)
    answer = await asked(live.http, client)
    assert answer.status_code == 403
    assert "disabled" in answer.text


async def test_on_loopback_the_port_may_be_any(live: Live):
    client, _ = await live.interactive(redirectUri="http://127.0.0.1/cb")
    uri = "http://127.0.0.1:49152/cb"
    assert sent_back(await asked(live.http, client, redirect_uri=uri, prompt="none"), uri)["error"] == "login_required"
    other = await asked(live.http, client, redirect_uri="http://127.0.0.1:49152/other")
    assert other.status_code == 400


async def test_an_answer_in_the_fragment_says_who_gives_it_too(live: Live, client: str):
    answer = await asked(live.http, client, prompt="none", response_mode="fragment")
    address = urlsplit(answer.headers["location"])
    assert address.query == ""
    assert dict(parse_qsl(address.fragment))["iss"] == live.url


async def test_form_post_is_a_form_that_sends_itself_to_the_client_alone(live: Live, client: str):
    answer = await asked(live.http, client, prompt="none", response_mode="form_post", state='"><script>x')
    assert answer.status_code == 200
    assert f'action="{CALLBACK}"' in answer.text
    assert 'value="&quot;&gt;&lt;script&gt;x"' in answer.text
    assert "form-action https:;" in answer.headers["content-security-policy"]
    assert '<script src="/openid/form_post.js">' in answer.text  # as it is found from any page
    script = await live.http.get("/openid/form_post.js")
    assert script.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["", "/tenant"])
async def test_a_no_on_the_consent_page_is_sent_by_form_post_below_the_issuer_s_path_too(
    live: Live, postgres: str, path: str
):
    async with AsyncExitStack() as stack:
        if path:
            issuer = f"http://127.0.0.1:1{path}"
            live = await stack.enter_async_context(serving(await new_database(postgres), issuer=issuer))
        client_id, _ = await live.interactive()
        _, email = await registered(live)
        browser = await stack.enter_async_context(httpx.AsyncClient(verify=False, base_url=live.url))
        answer = await asked(browser, client_id, response_mode="form_post")
        for filled in ({"username": email, "password": PASSWORD}, {"consent": "deny"}):
            while answer.status_code == 303:
                answer = await browser.get(answer.headers["location"])
            form = Forms(answer.text)
            answer = await browser.post(form.action or "", data={**form.fields, **filled})
        sent = Forms(answer.text)
        assert (answer.status_code, sent.action) == (200, CALLBACK)
        assert (sent.fields["error"], sent.fields["state"]) == ("access_denied", "st-1")
        script = f"{path}/openid/form_post.js"
        assert f'<script src="{script}">' in answer.text
        assert (await live.http.get(script)).headers["content-type"].startswith("text/javascript")


async def test_a_client_that_sends_a_request_object_is_told_so_in_the_way_that_it_asks_for_there(
    live: Live, client: str
):
    inside = as_text(b'{"response_mode": "form_post", "state": "st-2"}')
    answer = await asked(live.http, client, request=f"e30.{inside}.", state=None)
    assert (answer.status_code, Forms(answer.text).action) == (200, CALLBACK)
    assert Forms(answer.text).fields == {
        "error": "request_not_supported",
        "error_description": "This server does not take the parameter request; send plain parameters.",
        "state": "st-2",
        "iss": live.url,
    }


async def test_a_long_state_comes_back_whole(live: Live, client: str):
    state = "s" * 4096
    async with logged_in(live) as person:
        await allow(live, person.user, client)
        assert sent_back(await asked(person.browser, client, state=state))["state"] == state
        page = await asked(person.browser, client, state=state, prompt="consent")
        assert (await person.browser.get(page.headers["location"])).status_code == 200


async def test_what_a_page_hands_on_cannot_be_made_up(live: Live):
    for request in ("", "x", "A" * 200):
        answer = await live.http.get("/openid/continue", params={"request": request})
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")


class TestWhoIsThere:
    async def test_prompt_login_asks_who_is_logged_in_to_prove_it_again(self, live: Live, client: str):
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            answer = await asked(person.browser, client, prompt="login")
            assert answer.headers["location"].startswith("/signin?")

    async def test_a_login_that_is_older_than_max_age_is_made_again(self, live: Live, client: str):
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            assert "code" in sent_back(await asked(person.browser, client, max_age="60"))
            answer = await asked(person.browser, client, max_age="0")
            assert answer.headers["location"].startswith("/signin?")
            silent = sent_back(await asked(person.browser, client, max_age="0", prompt="none"))
            assert silent["error"] == "login_required"

    async def test_prompt_consent_asks_who_has_allowed_it_before(self, live: Live, client: str):
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            answer = await asked(person.browser, client, prompt="consent")
            assert answer.headers["location"].startswith("/consent?")

    async def test_prompt_select_account_asks_which_account(self, live: Live, client: str):
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            answer = await asked(person.browser, client, prompt="select_account")
            assert answer.headers["location"].startswith("/signin/account?")

    async def test_prompt_none_gives_a_code_or_an_error_and_never_a_page(self, live: Live, client: str):
        async with logged_in(live) as person:
            assert sent_back(await asked(person.browser, client, prompt="none"))["error"] == "consent_required"
            await allow(live, person.user, client)
            assert "code" in sent_back(await asked(person.browser, client, prompt="none"))

    @pytest.mark.parametrize("first_party", [False, True])
    async def test_a_program_that_poses_as_an_app_on_loopback_gets_no_code_in_silence(
        self, live: Live, *, first_party: bool
    ):
        app, _ = await live.interactive(redirectUri="http://127.0.0.1/cb", public=True, firstParty=first_party)
        async with logged_in(live) as person:
            await allow(live, person.user, app)
            other_port = "http://127.0.0.1:49152/cb"
            answer = await asked(person.browser, app, redirect_uri=other_port)
            assert answer.headers["location"].startswith("/consent?")
            silent = await asked(person.browser, app, redirect_uri=other_port, prompt="none")
            assert sent_back(silent, other_port)["error"] == "consent_required"

    async def test_a_session_gets_no_more_than_so_many_codes_in_a_minute(self, live: Live, client: str):
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            async with logged_in(live, person.user) as elsewhere:
                assert "code" in sent_back(await asked(elsewhere.browser, client, prompt="none"))
            signed_in = await live.beside.sessions.current(next(iter(person.browser.cookies.values())))
            assert signed_in
            key = f"codes of {signed_in.session.stream_id}"
            for minute in ("0 minutes", "1 minute"):  # the minute may turn before the next question
                await live.beside.ledger.pool.execute(
                    "insert into limits.counts values ($1, date_trunc('minute', statement_timestamp()) + $2::text::interval, 60)"
                    " on conflict (key, minute) do update set used = excluded.used", key, minute,
                )  # fmt: skip
            before = await live.last_change()
            for silently in ({"prompt": "none"}, {}):
                told = sent_back(await asked(person.browser, client, **silently))
                assert told["error"] == "temporarily_unavailable"
            assert await live.last_change() == before

    async def test_a_session_that_ended_is_nobody_s_and_that_it_was_used_is_an_event(self, live: Live, client: str):
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            signed_in = await live.beside.sessions.current(next(iter(person.browser.cookies.values())))
            assert signed_in
            await live.beside.people.disable(person.user, META)
            await live.beside.people.enable(person.user, META)
            for _ in range(2):
                assert sent_back(await asked(person.browser, client, prompt="none"))["error"] == "login_required"
            kinds = await live.beside.ledger.pool.fetch(
                "select type from log.events where stream_id = $1 order by version", signed_in.session.stream_id
            )
        assert [row[0] for row in kinds] == ["session.started", "session.ended", "session.used_after_end"]

    async def test_an_acr_that_is_essential_takes_another_login(self, live: Live, client: str):
        claims = f'{{"id_token": {{"acr": {{"essential": true, "value": "{ACRS[1]}"}}}}}}'
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            assert (await asked(person.browser, client, claims=claims)).headers["location"].startswith("/signin?")
            silent = sent_back(await asked(person.browser, client, claims=claims, prompt="none"))
            assert silent["error"] == "login_required"

    async def test_a_login_for_it_that_falls_short_is_the_end_of_it(self, live: Live):
        client, _ = await live.interactive(firstParty=True)
        claims = f'{{"id_token": {{"acr": {{"essential": true, "value": "{ACRS[1]}"}}}}}}'
        _, email = await registered(live)
        url = str((await asked(live.http, client, claims=claims)).url)
        assert "error=access_denied" in await walked_through(live, url, email)

    async def test_somebody_else_s_hint_does_not_take_whoever_is_there(self, live: Live, client: str):
        claims = '{"id_token": {"sub": {"value": "00000000-0000-7000-8000-000000000000"}}}'
        async with logged_in(live) as person:
            await allow(live, person.user, client)
            silent = sent_back(await asked(person.browser, client, claims=claims, prompt="none"))
            assert silent["error"] == "login_required"


async def test_every_page_of_an_error_keeps_its_headers(live: Live):
    answer: httpx.Response = await asked(live.http, "nobody")
    assert urlsplit(str(answer.url)).path == "/openid/authorize"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
