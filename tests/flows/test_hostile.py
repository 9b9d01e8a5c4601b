"""What a stranger sends to any path: never a 500, never an answer that does not come, and no more work than its length is worth."""

import http.cookies
from typing import Any

import pytest

from tests.flows.conftest import Live

PAGES = [
    "/",
    "/signin",
    "/signin/account",
    "/signin/factor",
    "/signin/upstream",
    "/signin/upstream/callback?state=x",
    "/consent",
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


@pytest.mark.parametrize("host", ["\u00a8", "\u00a8" * 20_000, "\u00b4.example", "[", "[\u00a8", "a:b:c", "x" * 60_000])
@pytest.mark.parametrize("path", ["/openid/authorize?client_id=x", "/openid/logout?client_id=x", "/signin", "/nowhere"])
async def test_an_odd_host_is_a_page_like_any_other(live: Live, path: str, host: str):
    answer = await live.http.get(path, headers={"Host": host.encode("latin-1"), "Accept": "text/html"})
    assert answer.status_code in (200, 303, 400, 404)
