"""A browser that brings the address of a request object (RFC 9101 section 5.2, OpenID Connect Core 1.0 section 6.2)."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from msgspec import Struct

from service.network import checked
from tests.flows import objects
from tests.flows.conftest import Live, oauth_error
from tests.flows.objects import Site
from tests.flows.people import CALLBACK, sent_back
from tests.patience import until

KEY, FOREIGN = ECKey.generate_key("P-256", {"kid": "own"}), ECKey.generate_key("P-256", {"kid": "own"})
NAMES = ("good", "redirect", "long", "html", "none", "foreign", "other", "expired", "missing", "hangs", "nested")


class Signing(Struct, frozen=True):
    """A client that names its request objects."""

    live: Live
    site: Site
    client_id: str
    secret: str

    async def ask(self, uri: str, **params: Any) -> httpx.Response:
        asked = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "request_uri": uri,
            "state": "outside",
            **params,
        }
        return await self.live.http.get("/openid/authorize", params=asked)

    def signed(self, key: Any = KEY, **claims: Any) -> str:
        said = objects.inside(self.client_id, self.live.url, **claims)
        return jwt.encode({"alg": "ES256", "kid": key.kid}, said, key)


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    async with objects.publishing() as site:
        yield site


@pytest.fixture(scope="module")
async def client(live: Live, site: Site) -> Signing:
    keys = {"keys": [KEY.as_dict(private=False)]}
    uris = [*map(site.url, NAMES), "http://127.0.0.1:1/away"]
    made = await live.interactive(jwks=keys, requestUris=uris, redirectUri=CALLBACK)
    return Signing(live, site, *made)


async def test_only_what_is_inside_the_object_counts(client: Signing):
    url = client.site.publish("good", client.signed(), "text/plain; charset=utf-8")
    begun = await client.ask(url, scope="galaxies", prompt="none")
    assert begun.headers["location"].startswith("/signin?")
    client.site.publish("good", client.signed(prompt="none"))
    assert sent_back(await client.ask(url))["error"] == "login_required"
    assert sent_back(await client.ask(f"{url}#{client.site.hash('good')}"))["state"] == "inside"


async def test_each_that_cannot_be_used_is_told_why(client: Signing):
    site, good = client.site, client.signed()
    unsigned = f"eyJhbGciOiJub25lIn0.{good.split('.')[1]}."
    by_uri, by_object = "invalid_request_uri", "invalid_request_object"
    faults = [
        (site.url("unknown"), by_uri, "is not registered for this client"),
        (f"{site.url('good')}?x=1", by_uri, "is not registered for this client"),
        ("http://127.0.0.1:1/away", by_uri, "could not be connected to"),
        (f"{site.publish('good', good)}#{'A' * 43}", by_uri, "whose SHA-256 its fragment names"),
        (
            site.publish("redirect", "", objects.JAR, "302 Found", f"Location: {site.url('good')}"),
            by_uri,
            "answered 302",
        ),
        (site.publish("long", "x" * 10_000_000), by_uri, "is longer than"),
        (site.publish("html", good, "text/html"), by_uri, "its response is not"),
        (site.publish("missing", "", objects.JAR, "404 Not Found"), by_uri, "answered 404"),
        (site.publish("none", unsigned), by_object, "Its alg must be"),
        (site.publish("foreign", client.signed(FOREIGN)), by_object, "signature does not verify"),
        (site.publish("other", client.signed(iss="other", client_id="other")), by_object, "client_id must be"),
        (site.publish("expired", client.signed(exp=int(time.time()) - 60)), by_object, "has expired"),
        (
            site.publish("nested", client.signed(request_uri=site.url("good"))),
            by_object,
            "must not contain request_uri",
        ),
    ]
    for uri, error, why in faults:
        given = sent_back(await client.ask(uri))
        assert (given["error"], why in given["error_description"]) == (error, True), (uri, given)
    given = sent_back(await client.ask(site.url("good"), request=good))
    assert (given["error"], given["state"]) == ("invalid_request", "outside")
    recorded = "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization'"
    rows = await client.live.beside.ledger.pool.fetch(recorded)
    assert any(client.client_id in row[0] and "is not registered for this client" in row[0] for row in rows)


async def test_nothing_is_fetched_for_what_is_refused_anyway(live: Live, client: Signing):
    url = client.site.publish("good", client.signed())
    before = len(client.site.asked)
    pushed = await live.http.post("/openid/par", data={"request_uri": url}, auth=(client.client_id, client.secret))
    assert "cannot be pushed" in oauth_error(pushed, 400, "invalid_request")
    pushing = await live.interactive(requestUris=[url], redirectUri=CALLBACK, requirePushedAuthorizationRequests=True)
    keyless = await live.interactive(requestUris=[url], redirectUri=CALLBACK)
    for client_id, error in ((pushing[0], "invalid_request"), (keyless[0], "invalid_request_object")):
        assert sent_back(await client.ask(url, client_id=client_id))["error"] == error
    twice = (
        f"/openid/authorize?client_id={client.client_id}&redirect_uri={CALLBACK}&request_uri={url}&request_uri={url}"
    )
    assert sent_back(await live.http.get(twice))["error"] == "invalid_request"
    assert len(client.site.asked) == before


async def test_one_that_hangs_holds_up_nobody_else(client: Signing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checked, "TOTAL_SECONDS", 30)
    hanging = asyncio.create_task(client.ask(client.site.url("hangs")))

    async def has_begun() -> bool:
        return "hangs" in client.site.asked

    await until(has_begun)
    url = client.site.publish("good", client.signed())
    assert (await client.ask(url)).headers["location"].startswith("/signin?")
    assert not hanging.done()
    client.site.over.set()
    assert sent_back(await hanging)["error"] == "invalid_request_uri"
