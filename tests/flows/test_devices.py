"""The device grant (RFC 8628): a device asks, a person types its code in a browser elsewhere, and the device gets what they allowed."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import jwt
import pytest

from service.clock import utc_now
from service.crypto.user_codes import read as code_typed
from service.grants import device_approval, device_authorization, device_code
from service.oauth.authlib_grants import DEVICE
from tests.flows.browsing import Browser, browser
from tests.flows.conftest import Live, is_active, oauth_error
from tests.flows.consoles import staff
from tests.flows.people import ALL, CALLBACK, refreshed, registered
from tests.flows.test_provenance import explained, verified

Client = tuple[str, str | None]
GRANT = str(DEVICE)
TELEVISION = "Television/1.0 (X11; Linux x86_64) Firefox/128.0"


@pytest.fixture(scope="module")
async def client(live: Live) -> Client:
    """A public client without any redirect URI."""
    body = {"m2m": False, "public": True, "deviceGrant": True, "displayName": "Television"}
    answer = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    assert answer.status_code == 201, answer.text
    return answer.json()["clientId"], None


async def begun(live: Live, client: Client, **more: str) -> httpx.Response:
    client_id, secret = client
    form = {"client_id": client_id, "scope": ALL, **({} if secret is None else {"client_secret": secret}), **more}
    return await live.http.post("/openid/device_authorization", data=form, headers={"User-Agent": TELEVISION})


async def asking(live: Live, client: Client, **more: str) -> dict[str, Any]:
    answer = await begun(live, client, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def polled(live: Live, client: Client, device_code: str, **more: str) -> httpx.Response:
    client_id, secret = client
    form = {"grant_type": GRANT, "device_code": device_code, "client_id": client_id, **more}
    return await live.http.post("/openid/token", data=form if secret is None else {**form, "client_secret": secret})


async def followed(at: Browser, answer: httpx.Response) -> str:
    """Where a browser is after all redirects."""
    while answer.status_code == 303:
        location = answer.headers["location"]
        answer = await at.http.get(location)
        if answer.status_code != 303:
            return location
    raise AssertionError(answer.text)


async def typed(at: Browser, code: str, path: str = "/device") -> str:
    """The page to which the person comes by typing the code."""
    page = await at.look(path)
    return await followed(at, await at.send(page.form("user_code"), user_code=code))


async def decided(
    live: Live, code: str, press: str, email: str | None = None, *, program: str = "Firefox, Linux"
) -> str:
    """The last page that a person sees who signs in after typing the code, and presses this button."""
    if email is None:
        _, email = await registered(live)
    async with browser(live) as at:
        signin = await typed(at, code)
        assert signin.startswith("/signin?")
        consent = await followed(at, await at.sign_in(email, path=signin))
        assert consent.startswith("/consent?")
        page = await at.look(consent)
        assert code in page.text
        assert "Television wants to access your account" in page.text
        assert "127.0.0.1" in page.text
        assert program in page.text
        return await followed(at, await at.send(page.form(press), press))


async def types(live: Live, stream: UUID) -> list[str]:
    return [
        row[0]
        for row in await live.beside.ledger.pool.fetch(
            "select type from log.events where stream_id = $1 order by version", stream
        )
    ]


async def test_a_device_gets_the_tokens_of_the_person_who_typed_its_code(
    live: Live, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    begun = await asking(live, client, scope=f"{ALL} unknown")
    assert set(begun) == {
        *("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval")
    }
    assert begun["verification_uri"] == f"{live.url}/device"
    assert parse_qs(urlsplit(begun["verification_uri_complete"]).query) == {"user_code": [begun["user_code"]]}
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert code_typed(begun["user_code"]) == begun["user_code"]
    oauth_error(await polled(live, client, begun["device_code"]), 400, "authorization_pending")
    oauth_error(await polled(live, client, begun["device_code"]), 400, "slow_down")
    user, email = await registered(live)
    assert await decided(live, begun["user_code"], "allow", email) == "/device/approved"
    told = await polled(live, client, begun["device_code"])
    assert told.status_code == 200, told.text
    tokens = told.json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (str(user), client[0], ALL)
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"] == str(user)
    again = await refreshed(live, client, tokens["refresh_token"])
    assert again.status_code == 200, again.text
    assert await types(live, UUID(claims["grant_id"])) == [
        *("authorization.granted", "authorization.code_issued", "authorization.code_redeemed"),
        *("authorization.refresh_token_issued", "authorization.refresh_token_rotated"),
    ]
    consents = await live.http.get("/api/v1/auth/consents", params={"userId": str(user)}, headers=live.bearer)
    assert [each["clientId"] for each in consents.json()] == [client[0]]
    ours = {"params": {"userId": str(user)}}
    (grant,) = (await live.http.get("/api/v1/auth/grants", **ours, headers=live.bearer)).json()
    assert grant["device"] == {"address": "127.0.0.1", "userAgent": TELEVISION}
    reader = await live.caller("reader-of-grants", "users:read")
    assert "device" not in (await live.http.get("/api/v1/auth/grants", **ours, headers=reader)).json()[0]
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/users/{user}/applications")
    assert "On a device: Firefox, Linux · 127.0.0.1" in page.text
    bundle = tmp_path / "why.json"
    bundle.write_text(json.dumps(await explained(live, live.bearer, claims["jti"], proof="true")))
    assert (await verified(live, bundle, capsys))[0] == 0
    oauth_error(await polled(live, client, begun["device_code"]), 400, "invalid_grant")
    assert not await is_active(live, again.json()["access_token"]), "a device code that comes twice was stolen"


async def test_a_device_is_told_that_the_person_denied(live: Live, client: Client):
    begun = await asking(live, client)
    assert await decided(live, begun["user_code"], "deny") == "/device/denied"
    oauth_error(await polled(live, client, begun["device_code"]), 400, "access_denied")
    async with browser(live) as at:
        wrong = await at.send((await at.look("/device")).form("user_code"), user_code=begun["user_code"])
    assert wrong.status_code == 403, "an answered code is no code"


async def test_of_two_answers_at_once_the_first_counts_and_the_other_leaves_nothing(
    live: Live, client: Client, monkeypatch: pytest.MonkeyPatch
):
    begun = await asking(live, client)
    (user, email), (other, others) = [await registered(live) for _ in range(2)]
    grant = device_approval.record_authorization

    async def overtaken(*given: Any, **more: Any) -> None:
        await grant(*given, **more)
        monkeypatch.setattr(device_approval, "record_authorization", grant)
        assert await decided(live, begun["user_code"], "allow", others) == "/device/approved"

    monkeypatch.setattr(device_approval, "record_authorization", overtaken)
    assert await decided(live, begun["user_code"], "allow", email) == "/device/late"
    revoked = await live.beside.ledger.pool.fetch("select state, why from read.authorizations where user_id = $1", user)
    assert [tuple(row) for row in revoked] == [("revoked", "device_answered_before")]
    told = (await polled(live, client, begun["device_code"])).json()
    assert jwt.decode(told["access_token"], options={"verify_signature": False})["sub"] == str(other)


async def test_nothing_of_the_codes_is_in_the_log_or_in_the_tables(live: Live, client: Client):
    begun = await asking(live, client)
    whole = await live.beside.ledger.pool.fetchval(
        "select string_agg(convert_from(data, 'UTF8'), '') from log.events where type like 'device%'"
    )
    whole += await live.beside.ledger.pool.fetchval("select string_agg(d::text, '') from read.device_authorizations d")
    whole += await live.beside.ledger.pool.fetchval("select string_agg(d::text, '') from limits.devices d")
    for code in (begun["user_code"], begun["user_code"].replace("-", ""), begun["device_code"]):
        assert code not in whole


async def test_an_expired_code_is_worth_nothing_to_either(live: Live, client: Client, monkeypatch: pytest.MonkeyPatch):
    begun = await asking(live, client)
    async with browser(live) as at:
        _, email = await registered(live)
        await at.signed_in(email)
        consent = await typed(at, begun["user_code"])
        for module in (device_approval, device_code):
            monkeypatch.setattr(module, "utc_now", lambda: utc_now() + device_authorization.LIFETIME)
        page = await at.look(consent)
        assert await followed(at, await at.send(page.form("allow"), "allow")) == "/device/late"
        assert await followed(at, await at.send(page.form("deny"), "deny")) == "/device/late"
        oauth_error(await polled(live, client, begun["device_code"]), 400, "expired_token")
        monkeypatch.setattr(device_authorization, "LIFETIME", timedelta(0))
        late = (await asking(live, client))["user_code"]
        assert (await at.send((await at.look("/device")).form("user_code"), user_code=late)).status_code == 403


async def test_a_link_fills_in_the_code_that_the_person_still_compares(live: Live, client: Client):
    begun = await asking(live, client)
    async with browser(live) as at:
        page = await at.look(urlsplit(begun["verification_uri_complete"])._replace(scheme="", netloc="").geturl())
        assert page.form("user_code").fields["user_code"] == begun["user_code"]
        assert "Is this the code that your device shows?" in page.text
        small = begun["user_code"].lower().replace("-", " ")
        assert (await typed(at, f" {small} ")).startswith("/signin?")
        odd = await at.look("/device?user_code=%3Cscript%3E")
        assert odd.form("user_code").fields["user_code"] == ""


async def test_each_person_is_asked_each_time_even_by_a_client_that_asks_nobody(live: Live):
    client_id, secret = await live.interactive(deviceGrant=True, firstParty=True, displayName="Television")
    for _ in range(2):
        begun = await asking(live, (client_id, secret))
        assert await decided(live, begun["user_code"], "allow") == "/device/approved"
        assert (await polled(live, (client_id, secret), begun["device_code"])).status_code == 200


async def test_a_code_of_another_client_is_refused_and_what_it_would_bring_is_revoked(live: Live, client: Client):
    other = await live.interactive(deviceGrant=True)
    begun = await asking(live, client)
    oauth_error(await polled(live, client, begun["device_code"]), 400, "authorization_pending")
    oauth_error(await polled(live, other, begun["device_code"]), 400, "invalid_grant")
    assert await decided(live, begun["user_code"], "allow") == "/device/approved"
    oauth_error(await polled(live, other, begun["device_code"]), 400, "invalid_grant")
    oauth_error(await polled(live, client, begun["device_code"]), 400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_id": "oauth_client_0192f000000070008000000000000001"}, 401, "invalid_client"),
        ({"scope": "clients:write"}, 400, "invalid_scope"),
        ({"resource": "http://example.com/#x"}, 400, "invalid_target"),
        ({"scope": "openid\u00e9"}, 400, "invalid_request"),
        ({"scope": "openid " * 400}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
    ],
    ids=str,
)
async def test_what_a_device_may_not_ask(live: Live, client: Client, form: dict[str, str], status: int, error: str):
    oauth_error(await begun(live, client, **form), status, error)


async def test_a_client_may_do_this_only_if_its_owner_says_so(live: Live, client: Client):
    ordinary = await live.interactive()
    assert "deviceGrant" in oauth_error(await begun(live, ordinary), 400, "unauthorized_client")
    code = (await asking(live, client))["device_code"]
    oauth_error(await polled(live, ordinary, code), 400, "unauthorized_client")
    oauth_error(await begun(live, await live.register()), 400, "unauthorized_client")
    oauth_error(await polled(live, client, ""), 400, "invalid_request")
    oauth_error(await polled(live, client, "device_forged"), 400, "invalid_grant")


async def test_a_setting_of_interactive_clients_that_replaces_redirect_uris(live: Live):
    client_id, _ = await live.interactive(deviceGrant=True)
    path, headers = f"/api/v1/auth/clients/{client_id}", {**live.bearer, "If-Match": "*"}
    assert (await live.http.get(path, headers=live.bearer)).json()["deviceGrant"] is True
    emptied = await live.http.patch(path, json={"redirectUris": []}, headers=headers)
    assert emptied.json()["redirectUris"] == []
    closed = await live.http.patch(path, json={"deviceGrant": False}, headers=headers)
    assert closed.status_code == 409
    moved = await live.http.patch(path, json={"deviceGrant": False, "redirectUris": [CALLBACK]}, headers=headers)
    assert moved.json()["deviceGrant"] is False
    machine, _ = await live.register()
    refused = await live.http.patch(
        f"/api/v1/auth/clients/{machine}", json={"deviceGrant": True}, headers={**live.bearer, "If-Match": "*"}
    )
    assert refused.status_code == 409


async def test_guesses_of_codes_are_counted_for_the_person_and_recorded(live: Live):
    user, email = await registered(live)
    async with browser(live) as at:
        await at.signed_in(email)
        page = await at.look("/device")
        codes = ["BCDF-GHJK", *(f"BCDF-GHJ{letter}" for letter in "LMNPQRSTVW")]
        answers = [await at.send(page.form("user_code"), user_code=code) for code in codes]
        malformed = await at.send(page.form("user_code"), user_code="no code")
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) <= 60
    assert malformed.status_code == 403
    recorded = await live.beside.ledger.pool.fetch(
        "select convert_from(data, 'UTF8')::jsonb ->> 'why' from log.events where type = 'refusal.user_code'"
        " and convert_from(meta, 'UTF8')::jsonb #>> '{actor,user_id}' = $1 order by position",
        str(user),
    )
    assert [row[0] for row in recorded] == ["not_known"] * 10, "the eleventh is counted: refusals of one person are ten"


async def test_a_stranger_cannot_fill_the_log_with_devices(live: Live, client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_authorization, "MOST_OF_A_NETWORK", 0)
    answer = await begun(live, client)
    oauth_error(answer, 429, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) <= 60


async def test_a_device_code_that_somebody_found_and_the_token_of_it_are_explained(live: Live, client: Client):
    begun = await asking(live, client)

    async def whose() -> dict[str, Any]:
        body = {"credential": begun["device_code"]}
        return (await live.http.post("/api/v1/audit/credentials", json=body, headers=live.bearer)).json()

    waiting = await whose()
    assert (waiting["kind"], waiting["clientId"], waiting["authorization"]) == ("code", client[0], None)
    await decided(live, begun["user_code"], "allow")
    token = (await polled(live, client, begun["device_code"])).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (await whose())["authorization"] == claims["grant_id"]
    why = (await live.http.get(f"/api/v1/audit/tokens/{claims['jti']}", headers=live.bearer)).json()
    assert why["login"]["userId"] == claims["sub"]
    radius = await live.http.get("/api/v1/audit/blast-radius", params={"id": claims["grant_id"]}, headers=live.bearer)
    assert claims["jti"] in radius.text
