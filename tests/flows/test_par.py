"""Pushed authorization requests (RFC 9126): what a client pushes, and what its user's browser brings of that."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from service.endpoints.par import MOST_OF_A_CLIENT, MOST_OF_A_NETWORK
from service.pushed_requests import LIFETIME_SECONDS, PREFIX
from tests.flows.conftest import Live, oauth_error
from tests.flows.people import (
    CALLBACK,
    Forms,
    Person,
    Proof,
    allow,
    asked,
    logged_in,
    proof,
    redeemed,
    registered,
    sent_back,
)
from tests.flows.test_rate_limits import use_up


def form_of(client: tuple[str, str | None], **params: str | None) -> dict[str, str]:
    client_id, secret = client
    usual = {
        "response_type": "code",
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "st-1",
        "code_challenge": proof().challenge,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**usual, **params}.items() if value is not None}


async def push(live: Live, client: tuple[str, str | None], **params: str | None) -> httpx.Response:
    return await live.http.post("/openid/par", data=form_of(client, **params))


async def pushed(live: Live, client: tuple[str, str | None], **params: str | None) -> str:
    answer = await push(live, client, **params)
    assert answer.status_code == 201, answer.text
    return answer.json()["request_uri"]


async def visited(browser: Any, client_id: str, request_uri: str, **more: str) -> httpx.Response:
    return await browser.get("/openid/authorize", params={"client_id": client_id, "request_uri": request_uri, **more})


def is_not_valid(answer: httpx.Response) -> bool:
    """Whether the browser shows that the link is no longer good, and sends nothing to anybody."""
    assert answer.status_code == 400, (answer.status_code, answer.headers.get("location"))
    return "The request_uri is not valid." in answer.text


@pytest.fixture(scope="module")
async def client(live: Live) -> tuple[str, str]:
    return await live.interactive(requirePushedAuthorizationRequests=True)


async def login(
    live: Live, person: Person, client: tuple[str, str], **params: str
) -> tuple[str, dict[str, str], Proof]:
    """The request_uri, what the client got for it, and the verifier that its code needs."""
    pkce = proof()
    await allow(live, person.user, client[0])
    uri = await pushed(live, client, code_challenge=pkce.challenge, **params)
    return uri, sent_back(await visited(person.browser, client[0], uri)), pkce


async def test_a_pushed_request_leads_to_one_code(live: Live, client: tuple[str, str]):
    answer = await push(live, client)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert answer.json() == {"request_uri": answer.json()["request_uri"], "expires_in": LIFETIME_SECONDS}
    assert re.fullmatch(re.escape(PREFIX) + "[A-Za-z0-9_-]{43}", answer.json()["request_uri"])
    async with logged_in(live) as person:
        uri, given, pkce = await login(live, person, client)
        assert (given["state"], given["iss"]) == ("st-1", live.url)
        assert (await redeemed(live, client, given["code"], pkce)).status_code == 200
        assert is_not_valid(await visited(person.browser, client[0], uri))


async def test_a_page_may_be_loaded_again_before_the_code_is_issued(live: Live, client: tuple[str, str]):
    uri = await pushed(live, client)
    async with logged_in(live) as person:
        pages = [await visited(person.browser, client[0], uri) for _ in range(2)]
        assert all(page.headers["location"].startswith("/consent?") for page in pages)
        await allow(live, person.user, client[0])
        first, second = [await person.browser.get(_continued(page)) for page in pages]
        assert "code" in sent_back(first)
        assert sent_back(second)["error"] == "invalid_request_uri"


def _continued(page: httpx.Response) -> str:
    return page.headers["location"].replace("/consent", "/openid/continue")


async def test_only_the_client_that_pushed_a_request_can_use_it(live: Live, client: tuple[str, str]):
    other, _ = await live.interactive()
    uri = await pushed(live, client)
    assert is_not_valid(await visited(live.http, other, uri))
    assert is_not_valid(await visited(live.http, client[0], PREFIX + "x" * 43))
    assert is_not_valid(await visited(live.http, client[0], PREFIX))
    for query in (f"request_uri={uri}", f"client_id={client[0]}&request_uri={uri}&request_uri={uri}"):
        answer = await live.http.get(f"/openid/authorize?{query}")
        assert (answer.status_code, "Send each of them once" in answer.text) == (400, True)
    assert (await visited(live.http, client[0], uri)).status_code == 303


async def test_other_parameters_than_those_pushed_are_ignored(live: Live, client: tuple[str, str]):
    uri = await pushed(live, client, prompt="none")
    answer = await visited(live.http, client[0], uri, prompt="login", state="st-2", response_mode="fragment")
    told = sent_back(answer)
    assert (told["error"], told["state"]) == ("login_required", "st-1")


async def test_a_client_that_pushes_its_requests_sends_no_other(live: Live, client: tuple[str, str]):
    told = sent_back(await asked(live.http, client[0]))
    assert (told["error"], told["state"]) == ("invalid_request", "st-1")
    assert "/openid/par" in told["error_description"]


async def test_a_page_that_is_open_while_its_client_begins_to_push_leads_nowhere(live: Live):
    changing, _ = await live.interactive()
    page = await asked(live.http, changing)
    changed = await live.http.patch(
        f"/api/v1/auth/clients/{changing}",
        json={"requirePushedAuthorizationRequests": True},
        headers={**live.bearer, "If-Match": "*"},
    )
    assert changed.status_code == 200
    again = await live.http.get(page.headers["location"].replace("/signin", "/openid/continue"))
    assert sent_back(again)["error"] == "invalid_request"


REFUSED: Mapping[str, tuple[Mapping[str, str | None], tuple[int, str], str]] = {
    "no redirect URI": ({"redirect_uri": None}, (400, "invalid_request"), "redirect_uri is missing"),
    "another redirect URI": ({"redirect_uri": f"{CALLBACK}x"}, (400, "invalid_request"), "differs"),
    "a reference": ({"request_uri": f"{PREFIX}x"}, (400, "invalid_request"), "request_uri cannot be pushed"),
    "no response type": ({"response_type": None}, (400, "invalid_request"), "response_type=code"),
    "the implicit flow": ({"response_type": "token"}, (400, "unsupported_response_type"), "must be code"),
    "plain PKCE": ({"code_challenge_method": "plain"}, (400, "invalid_request"), "S256"),
    "scopes that nobody knows": ({"scope": "galaxies"}, (400, "invalid_scope"), "Ask for at least one of"),
    "an odd state": ({"state": "\u00fc"}, (400, "invalid_request"), "printable ASCII"),
    "a state without end": ({"state": "s" * 4097}, (400, "invalid_request"), "state (4096)"),
    "a hint that is no ID token": ({"id_token_hint": "e30.e30.e30"}, (400, "invalid_request"), "id_token_hint"),
    "a request object": ({"request": "e30.e30."}, (400, "request_not_supported"), "request"),
    "a wrong secret": ({"client_secret": "secret_" + "0" * 43}, (401, "invalid_client"), "client_secret"),
    "no secret": ({"client_secret": None}, (401, "invalid_client"), "client_secret"),
}


@pytest.mark.parametrize(("params", "refusal", "says"), REFUSED.values(), ids=REFUSED)
async def test_a_client_that_pushes_is_told_of(
    live: Live, client: tuple[str, str], params: Mapping[str, str | None], refusal: tuple[int, str], says: str
):
    assert says in oauth_error(await push(live, client, **params), *refusal)


async def test_what_is_malformed_is_refused(live: Live, client: tuple[str, str]):
    oauth_error(await live.http.post("/openid/par", json=form_of(client)), 400, "invalid_request")
    oauth_error(await push(live, client, nonce="n" * 70_000), 413, "invalid_request")
    form = form_of(client)
    twice = "&".join(f"{name}={value}" for name, value in form.items()) + "&scope=email"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert "scope" in oauth_error(
        await live.http.post("/openid/par", content=twice, headers=headers), 400, "invalid_request"
    )
    assert (await live.http.get("/openid/par", params=form)).status_code == 405


async def test_a_machine_client_has_nobody_to_send_on(live: Live):
    machine = await live.register()
    assert "m2m" in oauth_error(await push(live, machine), 400, "invalid_request")


async def test_a_client_that_authenticates_by_a_header_need_not_repeat_its_id(live: Live, client: tuple[str, str]):
    form = form_of(client, client_id=None, client_secret=None, login_hint="m\u00fcller@example.com")
    answer = await live.http.post("/openid/par", data=form, auth=client)
    assert answer.status_code == 201
    page = await visited(live.http, client[0], answer.json()["request_uri"])
    assert "m\u00fcller@example.com" in (await live.http.get(page.headers["location"])).text


async def test_a_public_client_pushes_by_its_id_and_strangers_do_not_fill_the_table(live: Live):
    created = await live.http.post(
        "/api/v1/auth/clients", json={"m2m": False, "public": True, "redirectUri": CALLBACK}, headers=live.bearer
    )
    public = (created.json()["clientId"], None)
    assert (await push(live, public)).status_code == 201
    assert "PKCE" in oauth_error(
        await push(live, public, code_challenge=None, code_challenge_method=None), 400, "invalid_request"
    )
    await use_up(live, "pushed requests of network 127.0.0.1", MOST_OF_A_NETWORK)
    answer = await push(live, public)
    oauth_error(answer, 429, "temporarily_unavailable")
    assert 0 <= int(answer.headers["retry-after"]) <= 60


async def test_a_confidential_client_has_a_limit_of_its_own(live: Live):
    confidential = await live.interactive()
    await use_up(live, f"pushed requests of client {confidential[0]}", MOST_OF_A_CLIENT)
    oauth_error(await push(live, confidential), 429, "temporarily_unavailable")


async def test_a_disabled_client_uses_no_pushed_request(live: Live):
    stopped = await live.interactive()
    uri = await pushed(live, stopped)
    await live.http.post(f"/api/v1/auth/clients/{stopped[0]}/disable", headers=live.bearer)
    assert (await visited(live.http, stopped[0], uri)).status_code == 403
    oauth_error(await push(live, stopped), 401, "invalid_client")


async def test_a_page_of_a_pushed_request_that_is_too_old_does_not_start_over(live: Live, client: tuple[str, str]):
    _, email = await registered(live)
    uri = await pushed(live, client, login_hint=email)
    request = await live.beside.pushed.find(uri, client[0])
    assert request is not None
    sealed = live.beside.requests.close(request.__replace__(asked_at=request.asked_at - 4000))
    answer = await live.http.get("/openid/continue", params={"request": sealed})
    assert answer.status_code == 400
    assert "Go back to the application and sign in again." in answer.text
    assert "Start over" not in answer.text


async def test_a_response_is_signed_if_its_client_asks_for_that(live: Live):
    signed_for = await live.interactive(authorizationSignedResponseAlg="EdDSA")
    keys = KeySet.import_key_set((await live.http.get("/openid/jwks")).json())

    def claims(given: Mapping[str, str]) -> Mapping[str, Any]:
        assert given.keys() == {"response"}
        return jwt.decode(given["response"], keys, algorithms=["EdDSA"]).claims

    async with logged_in(live) as person:
        _, given, pkce = await login(live, person, signed_for, response_mode="jwt")
        told = claims(given)
        assert (told["iss"], told["aud"], told["state"]) == (live.url, signed_for[0], "st-1")
        assert (await redeemed(live, signed_for, told["code"], pkce)).status_code == 200
    page = await asked(live.http, signed_for[0], response_mode="form_post.jwt", prompt="none")
    form = Forms(page.text)
    assert (form.action, claims(form.fields)["error"]) == (CALLBACK, "login_required")
