"""A client that nobody registered: its client_id is the URL of its metadata document, which a real https server has."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from joserfc.jwk import ECKey
from joserfc.jwt import encode

from events.ids import client_stream, path_id
from service import client_documents
from service.clock import utc_now
from service.commands.client import DeleteClient, DisableClient, EnableClient
from service.commands.handle import CLIENT, handle
from service.configuration.documents import Documents
from service.network.places import Places
from tests.flows.browsing import Shown
from tests.flows.conftest import META, Live, new_database, oauth_error, refused, serving
from tests.flows.consoles import staff
from tests.flows.people import CALLBACK, Forms, Person, asked, logged_in, proof, redeemed, refreshed, sent_back
from tests.flows.test_delivery import _certificate
from tests.rules.test_client_document import OPERATOR

KEY = ECKey.generate_key("P-256")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
REFUSED = "The metadata document of this client cannot be used"


class Site:
    """Documents by path, as bytes of a whole response. `asked` are the paths in the order of the requests."""

    def __init__(self) -> None:
        self.base = ""
        self.responses: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            await self.hold.wait()
            writer.write(self.responses.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def publish(self, name: str, headers: str = "", **members: Any) -> str:
        """Put a document there, and return its URL."""
        url = f"{self.base}/{name}"
        usual = {"client_id": url, "client_name": "My App", "redirect_uris": [CALLBACK, "http://127.0.0.1/cb"]}
        body = json.dumps({**usual, **members}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self.responses[f"/{name}"] = head.encode() + body
        return url


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    pem: Path = _certificate(tmp_path_factory.mktemp("site"), "localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    site = Site()
    server = await asyncio.start_server(site.serve, "localhost", 0, ssl=tls)
    site.base = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(pem))
        async with server:
            yield site


@pytest.fixture(scope="module")
async def live(postgres: str, site: Site) -> AsyncIterator[Live]:
    """A service that accepts the documents of this machine."""
    assert site.base
    database = await new_database(postgres)
    documents = Documents(hosts=frozenset({"localhost"}))
    async with serving(database, rate_limit=0, failed_auth_limit=0, client_metadata_documents=documents) as live:
        yield live


@pytest.fixture(autouse=True)
def _everybody_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_documents, "MOST_NEW_OF_A_NETWORK", 10_000)
    monkeypatch.setattr(client_documents, "MOST_NEW_OF_A_SITE", 10_000)


def stale(live: Live) -> None:
    """Time passes: every document may be asked for again."""
    documents = live.application.resources.documents
    documents._fresh.clear()
    documents._paused.clear()


async def code_by_consent(person: Person, client_id: str, **params: str | None) -> tuple[str, Any]:
    """A code, after the person has allowed on the page what is asked for."""
    pkce = proof()
    answer = await asked(person.browser, client_id, code_challenge=pkce.challenge, **params)
    assert answer.headers.get("location", "").startswith("/consent?"), answer.text
    page = Forms((await person.browser.get(answer.headers["location"])).text)
    answer = await person.browser.post(page.action, data={**page.fields, "consent": "allow"})
    while answer.headers["location"].startswith("/"):
        answer = await person.browser.get(answer.headers["location"])
    return sent_back(answer, params.get("redirect_uri") or CALLBACK)["code"], pkce


async def events_of(live: Live, url: str) -> list[str]:
    rows = await live.beside.ledger.pool.fetch(
        "select type from log.events where stream_id = $1 order by version", client_stream(url)
    )
    return [row[0].removeprefix("client.") for row in rows]


async def command(live: Live, url: str, *commands: Any) -> None:
    stream = client_stream(url)
    assert stream is not None
    for each in commands:
        await handle(live.beside.ledger, CLIENT, stream, each, META)


async def test_the_metadata_of_the_server_say_so(live: Live):
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        assert (await live.http.get(path)).json()["client_id_metadata_document_supported"] is True


async def test_somebody_signs_in_through_a_client_that_nobody_registered(live: Live, site: Site):
    url = site.publish("first.json", scope="openid offline_access api:public")
    async with logged_in(live) as person:
        code, pkce = await code_by_consent(person, url, scope="openid offline_access api:public")
        answer = await redeemed(live, (url, None), code, pkce)
        assert answer.status_code == 200, answer.text
        claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert (claims["client_id"], claims["sub"]) == (url, str(person.user))
        assert jwt.decode(answer.json()["id_token"], options={"verify_signature": False})["aud"] == url
        site.responses.pop("/first.json")
        stale(live)  # what was issued stays valid without the document
        assert (await refreshed(live, (url, None), answer.json()["refresh_token"])).status_code == 200
    assert await events_of(live, url) == ["registered", "document_seen"]


async def test_a_client_that_says_so_refreshes_without_offline_access_until_the_session_ends(live: Live, site: Site):
    url = site.publish("refreshes.json", grant_types=["authorization_code", "refresh_token"])
    without = site.publish("without.json")
    async with logged_in(live) as person:
        code, pkce = await code_by_consent(person, url, scope="api:public")
        tokens = (await redeemed(live, (url, None), code, pkce)).json()
        assert tokens["scope"] == "api:public"
        answer = await refreshed(live, (url, None), tokens["refresh_token"])
        assert (answer.status_code, answer.json()["scope"]) == (200, "api:public")
        code, pkce = await code_by_consent(person, without, scope="api:public")
        assert "refresh_token" not in (await redeemed(live, (without, None), code, pkce)).json()
        await live.beside.sessions.end_all(person.user, "signed_out_everywhere", META)
    oauth_error(await refreshed(live, (url, None), answer.json()["refresh_token"]), 400, "invalid_grant")


async def test_the_consent_page_says_what_is_known_of_the_client(live: Live, site: Site):
    url = site.publish("shown.json", client_uri="https://bank.example/about", logo_uri="https://evil.example/logo.png")
    async with logged_in(live) as person:
        answer = await asked(person.browser, url, redirect_uri="http://127.0.0.1:4711/cb")
        page = Shown(await person.browser.get(answer.headers["location"]))
    assert "https://bank.example/about" in page.links
    host = site.base.removeprefix("https://")
    assert f"Nobody has checked who this application is. What it says about itself comes from {host}." in page.text
    assert "It says that its website is bank.example." in page.text
    assert "Any program on this device could be asking in its name." in page.text
    assert not any("evil.example" in each for each in (*page.loads, *page.links))


def image(body: bytes, kind: str = "image/png", headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n" % (kind.encode(), headers, len(body))
    return head + body


async def consent_page(person: Person, url: str) -> Shown:
    answer = await asked(person.browser, url)
    return Shown(await person.browser.get(answer.headers["location"]))


async def test_the_logo_comes_only_through_this_server_and_only_to_who_is_signed_in(live: Live, site: Site):
    site.responses["/logo.png"] = image(PNG, headers=b"Set-Cookie: a=b\r\n")
    url = site.publish("branded.json", logo_uri=f"{site.base}/logo.png", client_uri=f"{site.base}/about")
    async with logged_in(live) as person:
        page = await consent_page(person, url)
        (logo,) = (each for each in page.loads if each.startswith("/consent/logo?"))
        assert f"{site.base}/about" in page.links
        assert not any("logo.png" in each for each in page.loads)
        assert "/logo.png" not in site.asked, "the page did not wait for it"
        assert (await live.http.get(logo)).status_code == 404
        assert "/logo.png" not in site.asked, "a stranger cannot make this server fetch it"
        answers = [await person.browser.get(logo) for _ in range(2)]
        broken = await person.browser.get("/consent/logo?request=made-up")
    assert site.asked.count("/logo.png") == 1
    assert broken.status_code == 400
    for answer in answers:
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(image(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), id="svg"),
        pytest.param(image(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), id="svg that is called png"),
        pytest.param(image(b"<script>alert(1)</script>"), id="html that is called png"),
        pytest.param(image(PNG, "text/html"), id="an image that is called html"),
        pytest.param(image(PNG + bytes(10_000_000)), id="ten megabytes"),
        pytest.param(image(PNG, headers=b"Content-Encoding: gzip\r\n"), id="compressed"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /logo.png\r\nContent-Length: 0\r\n\r\n", id="a redirect"),
        pytest.param(None, id="nothing there"),
        pytest.param(b"", id="no HTTP"),
    ],
)
async def test_what_is_no_logo_is_not_shown_and_not_asked_for_again(live: Live, site: Site, response: bytes | None):
    name = f"logo-{len(site.asked)}.png"
    if response is not None:
        site.responses[f"/{name}"] = response
    url = site.publish("unbranded.json", logo_uri=f"{site.base}/{name}")
    stale(live)
    async with logged_in(live) as person:
        page = await consent_page(person, url)
        for _ in range(2):
            answer = await person.browser.get(next(each for each in page.loads if "/consent/logo" in each))
            assert answer.status_code == 404
            assert answer.text.startswith("The logo of this client cannot be used.")
    assert site.asked.count(f"/{name}") == 1


async def test_a_logo_at_a_private_address_is_not_fetched(live: Live, site: Site):
    """A host that an operator named is for documents and what is beside them."""
    there = site.base.replace("localhost", "127.0.0.1")
    site.responses["/inside.png"] = image(PNG)
    url = site.publish("inside.json", logo_uri=f"{there}/inside.png")
    async with logged_in(live) as person:
        page = await consent_page(person, url)
        answer = await person.browser.get(next(each for each in page.loads if "/consent/logo" in each))
    assert answer.status_code == 404
    assert "an address that this server does not connect to" in answer.text
    assert "/inside.png" not in site.asked


async def test_who_allowed_it_is_asked_again_only_after_its_redirect_uris_changed(live: Live, site: Site):
    url = site.publish("moving.json")
    async with logged_in(live) as person:
        await code_by_consent(person, url)
        assert "code" in sent_back(await asked(person.browser, url))
        site.publish("moving.json", redirect_uris=[CALLBACK, "https://other.example/cb"])
        stale(live)
        await code_by_consent(person, url)
        assert "code" in sent_back(await asked(person.browser, url))


async def test_a_client_of_a_document_may_authenticate_by_key(live: Live, site: Site):
    url = site.publish(
        "keyed.json", token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]}
    )
    async with logged_in(live) as person:
        code, pkce = await code_by_consent(person, url)
        oauth_error(await redeemed(live, (url, None), code, pkce), 401, "invalid_client")
        now = int(utc_now().timestamp())
        claims = {"iss": url, "sub": url, "aud": live.url, "iat": now, "exp": now + 60, "jti": "once-1"}
        proof_of_client = {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": encode({"alg": "ES256"}, claims, KEY),
        }
        answer = await redeemed(live, (url, None), code, pkce, **proof_of_client)
        assert answer.status_code == 200, answer.text
    site.publish("keyed.json")
    stale(live)
    assert "token_endpoint_auth_method is another one" in (await asked(live.http, url)).text


async def test_a_document_is_asked_for_once_while_it_is_fresh(live: Live, site: Site):
    url = site.publish("fresh.json", "Cache-Control: max-age=3600\r\n")
    for _ in range(3):
        assert (await asked(live.http, url)).status_code == 303
    assert site.asked.count("/fresh.json") == 1


async def test_one_that_was_not_asked_for_while_others_hang_may_be_asked_for_at_once(
    live: Live, site: Site, monkeypatch: pytest.MonkeyPatch
):
    url = site.publish("later.json")
    with monkeypatch.context() as patch:
        patch.setattr(Places, "_has_room", lambda *_: False)
        assert "too many requests are under way" in (await asked(live.http, url)).text
    assert (await asked(live.http, url)).status_code == 303


async def test_many_who_ask_at_once_wait_for_one_request(live: Live, site: Site):
    url = site.publish("many.json")
    site.hold.clear()
    waiting = [asyncio.create_task(asked(live.http, url)) for _ in range(5)]
    while "/many.json" not in site.asked:
        await asyncio.sleep(0.01)
    site.hold.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [303] * 5
    assert site.asked.count("/many.json") == 1
    assert await events_of(live, url) == ["registered", "document_seen"]


async def test_a_document_that_changes_is_an_event_and_its_old_redirect_uris_are_no_more(live: Live, site: Site):
    url = site.publish("changing.json")
    assert (await asked(live.http, url)).status_code == 303
    site.publish("changing.json", redirect_uris=["https://other.example/cb"], client_name="Other")
    assert (await asked(live.http, url)).status_code == 303  # still fresh
    stale(live)
    answer = await asked(live.http, url)
    assert answer.status_code == 400
    assert "redirect_uri is not registered" in answer.text
    assert (await asked(live.http, url, redirect_uri="https://other.example/cb")).status_code == 303
    assert (await events_of(live, url))[2:] == ["display_name_changed", "redirect_uris_changed", "document_seen"]


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (None, "it answered 404 instead of 200"),
        (b"HTTP/1.1 302 Found\r\nLocation: /first.json\r\nContent-Length: 0\r\n\r\n", "it answered 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", "is not application/json"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n" + b" " * 20000,
            "longer",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "must be its own URL"),
        (b"", "was not HTTP"),
    ],
)
async def test_a_document_that_cannot_be_used_is_said_and_nothing_is_registered(
    live: Live, site: Site, response: bytes | None, why: str
):
    name = f"bad-{len(site.asked)}.json"
    if response is not None:
        site.responses[f"/{name}"] = response
    for _ in range(2):  # the second time without a request
        answer = await asked(live.http, f"{site.base}/{name}")
        assert answer.status_code == 400
        assert REFUSED in answer.text
        assert why in answer.text
        assert "location" not in answer.headers
    assert site.asked.count(f"/{name}") == 1
    assert await events_of(live, f"{site.base}/{name}") == []


async def test_a_document_that_disappears_allows_no_new_authorization_and_that_is_recorded(live: Live, site: Site):
    url = site.publish("gone.json")
    assert (await asked(live.http, url)).status_code == 303
    del site.responses["/gone.json"]
    stale(live)
    assert REFUSED in (await asked(live.http, url)).text
    why = await live.beside.ledger.pool.fetchval(
        "select convert_from(data, 'UTF8')::jsonb->>'why' from log.events where type = 'refusal.authorization'"
        " and convert_from(data, 'UTF8')::jsonb->>'client_id' = $1",
        url,
    )
    assert why == "its metadata document cannot be used: It could not be fetched: it answered 404 instead of 200."


@pytest.mark.parametrize("client_id", ["https://127.0.0.1:1/x", "https://10.0.0.1/x", "https://[::ffff:127.0.0.1]/x"])
async def test_an_address_inside_is_not_connected_to(live: Live, client_id: str):
    assert "an address that this server does not connect to" in (await asked(live.http, client_id)).text


@pytest.mark.parametrize("client_id", ["https://localhost/a/../x", "https://a@localhost/x", "https://localhost"])
async def test_a_url_that_names_no_document_is_not_asked_for(live: Live, client_id: str):
    assert REFUSED in (await asked(live.http, client_id)).text


async def test_a_disabled_client_stays_disabled_and_a_deleted_one_does_not_come_back(live: Live, site: Site):
    url = site.publish("stopped.json")
    assert (await asked(live.http, url)).status_code == 303
    await command(live, url, DisableClient(by=OPERATOR))
    stale(live)
    site.publish("stopped.json", client_name="Other")
    assert "The client is disabled" in (await asked(live.http, url)).text
    await command(live, url, EnableClient(by=OPERATOR))
    assert (await asked(live.http, url)).status_code == 303
    await command(live, url, DeleteClient(by=OPERATOR))
    stale(live)
    assert "was deleted" in (await asked(live.http, url)).text
    assert (await events_of(live, url))[-1] == "deleted"


async def test_new_documents_of_an_address_have_a_limit(live: Live, site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_documents, "MOST_NEW_OF_A_NETWORK", 0)
    url = site.publish("throttled.json")
    assert "Too many new documents" in (await asked(live.http, url)).text
    assert "/throttled.json" not in site.asked


async def test_a_request_can_be_pushed_by_a_client_that_nobody_registered(live: Live, site: Site):
    url = site.publish("pushing.json")
    form = {
        "client_id": url,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "code_challenge": proof().challenge,
        "code_challenge_method": "S256",
        "scope": "openid",
    }
    answer = await live.http.post("/openid/par", data=form)
    assert answer.status_code == 201, answer.text
    missing = await live.http.post("/openid/par", data={**form, "client_id": f"{site.base}/missing.json"})
    assert "it answered 404" in oauth_error(missing, 400, "invalid_client")


async def test_without_an_authorization_request_a_url_is_an_unknown_client(live: Live, site: Site):
    url = site.publish("never.json")
    form = {"grant_type": "authorization_code", "client_id": url, "code": "x", "redirect_uri": CALLBACK}
    oauth_error(await live.http.post("/openid/token", data=form), 401, "invalid_client")
    assert "/never.json" not in site.asked


async def test_operators_reach_it_in_the_management_api_by_its_path_id(live: Live, site: Site):
    url = site.publish("managed.json")
    assert (await asked(live.http, url)).status_code == 303
    path = f"/api/v1/auth/clients/{path_id(url)}"
    answer = await live.http.get(path, headers=live.bearer)
    assert answer.status_code == 200, answer.text
    assert answer.json()["clientId"] == url
    assert answer.json()["owner"] == "muniment-documents"
    assert answer.json()["pathId"] == path_id(url)
    body = site.responses["/managed.json"].partition(b"\r\n\r\n")[2]
    assert answer.json()["metadataDocument"]["sha256"] == sha256(body).hexdigest()
    changing = {**live.bearer, "If-Match": answer.headers["etag"]}
    renamed = await live.http.patch(path, json={"displayName": "Bank"}, headers=changing)
    assert "The document at this client's client_id says its name" in refused(renamed, 409)["detail"]
    scoped = await live.http.patch(path, json={"scopes": ["crm:read"]}, headers=changing)
    assert scoped.json()["scopes"] == ["crm:read"]
    history = await live.http.get(f"{path}/history", headers=live.bearer)
    assert [each["type"] for each in history.json()][::-1][:2] == ["client.registered", "client.document_seen"]
    found = await live.http.get("/api/v1/auth/clients", params={"q": "managed.json"}, headers=live.bearer)
    assert [each["clientId"] for each in found.json()] == [url]
    assert (await live.http.post(f"{path}/disable", headers=live.bearer)).status_code == 200
    assert (await live.http.delete(path, headers=live.bearer)).status_code == 204
    for other in (url, quote(url, safe="")):
        assert (await live.http.get(f"/api/v1/auth/clients/{other}", headers=live.bearer)).status_code == 404
    assert [each.removeprefix("client.") for each in (await events_of(live, url))[-2:]] == ["disabled", "deleted"]


async def test_the_console_changes_of_it_only_what_the_document_does_not_decide(live: Live, site: Site):
    url = site.publish("console-edit")
    async with logged_in(live) as person:
        await code_by_consent(person, url)
    path = f"/clients/{quote(path_id(url), safe='')}"
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"{path}/edit")
        offered = page.form("scopes").fields
        decided = {"displayName", "redirectUris", "requirePkce", "postLogoutRedirectUris", "backchannelLogoutUri"}
        assert decided.isdisjoint(offered)
        assert "metadata document decides" in page.text
        saved = await somebody.send(page, "scopes", scopes="api:public crm:read", reason="it may read contacts")
        assert saved.status_code == 303, saved.text
        assert "crm:read" in (await somebody.look(path)).text


async def test_the_console_says_what_document_it_is_and_its_links_lead_there(live: Live, site: Site):
    url = site.publish("seen.json", client_name="Seen App")
    assert (await asked(live.http, url)).status_code == 303
    async with staff(live, "operator") as somebody:
        found = await somebody.look("/clients?q=seen.json")
        assert f"/console/clients/{path_id(url)}" in found.links
        page = await somebody.look(f"/clients/{path_id(url)}")
    body = site.responses["/seen.json"].partition(b"\r\n\r\n")[2]
    assert (url in page.text, sha256(body).hexdigest() in page.text) == (True, True)


async def test_nobody_else_reaches_it(live: Live, site: Site):
    url = site.publish("others.json")
    assert (await asked(live.http, url)).status_code == 303
    path = f"/api/v1/auth/clients/{path_id(url)}"
    for sub in ("localhost", "alice"):
        caller = await live.caller(sub, "clients:read", "clients:write")
        refused(await live.http.get(path, headers=caller), 404)
        refused(await live.http.delete(path, headers=caller), 404)
    body = {"m2m": False, "redirectUri": CALLBACK, "clientId": url, "clientSecret": "a-secret-of-another-server"}
    refused(await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer), 400)
