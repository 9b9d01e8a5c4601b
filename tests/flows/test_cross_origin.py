"""Scripts of any site, in any browser: what they may call, with what, and what of the answer they may read."""

import pytest

from service.app import MANAGED
from tests.flows.conftest import Live

SITE = "https://spa.example.com"
FOR_STRANGERS = [
    "/openid/token",
    "/openid/introspect",
    "/openid/revoke",
    "/openid/userinfo",
    "/openid/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/openapi.json",
    "/health/ready",
    *(path.replace("{", "").replace("}", "") for path in MANAGED),
]


def shared(answer, origin: str = SITE) -> set[str]:
    """The headers that a script of this origin may read, which it may do though it asked with credentials."""
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    assert "set-cookie" not in answer.headers
    return {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}


@pytest.mark.parametrize("path", FOR_STRANGERS)
async def test_a_browser_that_asks_first_is_told_yes_to_all_that_it_asks_for(live: Live, path: str):
    for method, wanted in (("POST", "authorization,content-type,x-requested-with"), ("PATCH", "if-match, dpop")):
        headers = {"Origin": SITE, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": wanted}
        answer = await live.http.options(path, headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-length" not in answer.headers
        assert shared(answer)
        assert answer.headers["access-control-allow-headers"] == wanted
        assert method in answer.headers["access-control-allow-methods"].split(", ")


@pytest.mark.parametrize("path", FOR_STRANGERS)
async def test_what_is_answered_may_be_read_whatever_it_is(live: Live, path: str):
    for method in ("GET", "POST"):
        answer = await live.http.request(method, path, headers={"Origin": SITE})
        if answer.status_code == 405 and "x-request-id" not in answer.headers and path not in FOR_STRANGERS[:3]:
            continue  # the router's own refusal of a method that there is not
        assert shared(answer) >= {
            "dpop-nonce",
            "www-authenticate",
            "retry-after",
            "muniment-position",
            "ratelimit-remaining",
            "link",
        }


async def test_what_a_caller_of_the_api_is_told_in_headers_may_be_read(live: Live):
    body = {"m2m": True, "botUserId": "bot-abc123"}
    made = await live.http.post("/api/v1/auth/clients", json=body, headers={**live.bearer, "Origin": SITE})
    assert made.status_code == 201
    assert {"location", "muniment-position", "x-request-id"} <= shared(made)


@pytest.mark.parametrize("origin", ["null", "http://localhost:3000", "app://x", "https://xn--bcher-kva.example"])
async def test_an_origin_is_echoed_as_it_is(live: Live, origin: str):
    shared(await live.http.get("/openid/jwks", headers={"Origin": origin}), origin)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://a.example, https://b.example"},
        {"Origin": "\u00e9"},
        {"Origin": "x" * 2000},
        {"Origin": ""},
        {},
    ],
    ids=["two origins", "not ASCII", "endless", "empty", "none"],
)
async def test_what_is_no_origin_is_not_echoed(live: Live, headers: dict[str, str]):
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await live.http.get("/openid/jwks", headers=raw)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "asked", ["x\u00e9", "a: b", "x" * 3000, ""], ids=["not ASCII", "a colon", "endless", "nothing"]
)
async def test_odd_names_of_headers_are_not_echoed(live: Live, asked: str):
    headers = {"Origin": SITE, "Access-Control-Request-Headers": asked.encode("latin-1")}
    answer = await live.http.options("/openid/token", headers=headers)
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"


@pytest.mark.parametrize("path", ["/signin", "/account", "/openid/authorize?client_id=x", "/openid/logout", "/consent"])
async def test_what_reads_a_cookie_is_shared_with_nobody(live: Live, path: str):
    for method in ("GET", "OPTIONS"):
        answer = await live.http.request(method, path, headers={"Origin": SITE, "Accept": "text/html"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]
