"""What a stranger sends to any path: never a 500, never an answer that does not come, and no more work than its length is worth."""

import http.cookies
from typing import Any

import pytest
from starlette.requests import Request

from service.app import LOGIN
from service.endpoints import authorize
from service.oauth.errors import Shown
from service.oauth.form import FORM
from service.pages import assets
from tests.flows.conftest import Live

PAGES = [
    "/",
    "/signin",
    "/signin/account",
    "/signin/factor",
    "/signin/upstream",
    "/signin/upstream/callback?state=x",
    "/consent",
    "/consent/logo",
    "/device",
    "/device/approved",
    "/device/denied",
    "/device/late",
    "/account",
    "/account/sessions",
    "/account/security",
    "/account/authenticator",
    "/signout",
    "/signed-out",
    "/openid/authorize?client_id=x",
    "/openid/continue?request=x",
    "/openid/logout",
    "/openid/userinfo",
    "/nowhere",
]


def test_every_page_is_among_them():
    pages = {route.path for route in LOGIN} - {
        authorize.FORM_POST_SCRIPT,
        f"{assets.PATH}/{{name}}",
    }
    assert pages <= {path.partition("?")[0] for path in PAGES}


@pytest.fixture
def unquoted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What http.cookies was given to unquote, which takes the square of its length on Python before 3.11.10 and 3.12.6."""
    given: list[str] = []

    def unquote(text: Any) -> str:
        given.append(text)
        return ""

    monkeypatch.setattr(http.cookies, "_unquote", unquote)
    return given


@pytest.mark.parametrize("path", PAGES)
async def test_no_cookie_is_unquoted(live: Live, path: str, unquoted: list[str]):
    port = live.url.rpartition(":")[2]
    names = [f"muniment_{name}_{port}" for name in ("session", "csrf", "known", "half", "upstream", "upstream_0")]
    quoted = '"' + r"\"\042" * 1000 + '"'
    headers = {"Cookie": "; ".join(f"{name}={quoted}" for name in names), "Accept": "text/html"}
    answer = await live.http.get(path, headers=headers)
    assert answer.status_code < 500
    assert unquoted == []


@pytest.mark.parametrize("path", ["/openid/authorize?client_id=x", "/openid/logout?client_id=x", "/signin", "/nowhere"])
async def test_an_odd_host_is_a_page_like_any_other(live: Live, path: str):
    for host in ("\u00a8", "\u00a8" * 20_000, "[\u00a8", "a:b:c"):
        answer = await live.http.get(path, headers={"Host": host.encode("latin-1"), "Accept": "text/html"})
        assert answer.status_code in (200, 303, 400, 404)


CLIENTS = "/api/v1/auth/clients"
MANY = range(7000)
LONG = "\U0001f916" * 14_000
NOISE: dict[str, tuple[str, str, bytes]] = {
    "unknown fields": ("POST", CLIENTS, b"{" + b",".join(b'"%x":1' % n for n in MANY) + b"}"),
    "repeated fields": ("POST", CLIENTS, b"{" + b",".join(b'"%x":1,"%x":1' % (n, n) for n in range(3500)) + b"}"),
    "repeated fields inside": (
        "POST",
        CLIENTS,
        b'{"a":[' + b",".join(b'{"%x":1,"%x":1}' % (n, n) for n in range(2500)) + b"]}",
    ),
    "a long name": ("POST", CLIENTS, f'{{"{LONG}":1}}'.encode()),
    "escaped names": ("POST", CLIENTS, b"{" + b",".join(b'"\\u0000%x":1' % n for n in range(4000)) + b"}"),
    "unknown parameters": ("GET", f"{CLIENTS}?" + "&".join(f"{n:x}" for n in MANY), b""),
    "a parameter again and again": ("GET", f"{CLIENTS}?" + "limit=0&" * 6000, b""),
    "long parameters of a form": (
        "POST",
        "/openid/token",
        b"x" * 30_000 + b"=\xc3\xa9&" + b"y" * 30_000 + b"=\xc3\xa9",
    ),
    "long names twice": ("POST", "/openid/token", b"&".join([b"x" * 30_000 + b"=1"] * 2)),
    "long names of a request": ("GET", "/openid/authorize?CLIENT&" + "%C3%A9" * 9000 + "=" + "x" * 2100, b""),
    "a long name twice in a request": (
        "GET",
        "/openid/authorize?CLIENT&" + "&".join(["%C3%A9" * 4000 + "=1"] * 2),
        b"",
    ),
    "scopes": ("GET", "/openid/authorize?CLIENT&scope=" + "%22+" * 1000, b""),
}


@pytest.fixture(scope="module")
async def interactive(live: Live) -> str:
    client_id, _ = await live.interactive()
    return f"client_id={client_id}&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&response_type=code"


@pytest.mark.parametrize(("method", "path", "body"), NOISE.values(), ids=NOISE)
async def test_a_refusal_is_no_multiple_of_what_it_refuses(
    live: Live, interactive: str, method: str, path: str, body: bytes
):
    kind = "application/x-www-form-urlencoded" if path == "/openid/token" else "application/json"
    headers = {**live.bearer, "Content-Type": kind} if path != "/openid/token" else {"Content-Type": kind}
    answer = await live.http.request(method, path.replace("CLIENT", interactive), content=body, headers=headers)
    assert answer.status_code in (303, 400)
    assert len(answer.content) + sum(len(name) + len(value) for name, value in answer.headers.raw) < 16_000


async def test_of_many_unknown_fields_the_first_are_named_and_the_rest_counted(live: Live):
    body = b'{"m2m":"x",' + b",".join(b'"%x":1' % n for n in range(30)) + b',"botUserId":1}'
    headers = {**live.bearer, "Content-Type": "application/json"}
    told = (await live.http.post(CLIENTS, content=body, headers=headers)).json()
    assert set(told["errors"]) == {"m2m", "botUserId", *(f"{n:x}" for n in range(20))}
    assert told["detail"].endswith(" and 10 more. See errors.")


async def test_a_request_for_an_authorization_that_is_cut_short_is_refused():
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", FORM.encode())]
    request = Request({"type": "http", "method": "POST", "path": "/openid/authorize", "headers": headers}, receive)
    with pytest.raises(Shown, match="cannot be read"):
        await authorize._said(request)
