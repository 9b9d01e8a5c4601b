"""Requests for an issuer below a path reach the same place, whatever the proxy before it does with that path."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.http.issuer_path import IssuerPath

ROOMS = ("openid", "api", ".well-known", "account", "")


async def _seen(path: str, issuer_path: str = "/tenant") -> str:
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        raise AssertionError

    scope = {"type": "http", "path": path, "raw_path": path.encode()}
    await IssuerPath(app, path=issuer_path, rooms=ROOMS)(scope, receive, send)
    assert seen[0]["raw_path"] == seen[0]["path"].encode()
    return seen[0]["path"]


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/openid/token", "/openid/token"),
        ("/tenant/openid/token", "/openid/token"),
        ("/tenant/api/v1/auth/clients/x", "/api/v1/auth/clients/x"),
        ("/tenant", "/"),
        ("/tenant/", "/"),
        ("/tenant/.well-known/openid-configuration", "/.well-known/openid-configuration"),
        ("/.well-known/oauth-authorization-server/tenant", "/.well-known/oauth-authorization-server"),
        ("/.well-known/openid-configuration/tenant", "/.well-known/openid-configuration"),
        ("/.well-known/oauth-protected-resource/tenant", "/.well-known/oauth-protected-resource"),
        ("/.well-known/oauth-protected-resource/tenant/api/v1", "/.well-known/oauth-protected-resource/api/v1"),
        ("/.well-known/oauth-protected-resource/other/api/v1", "/.well-known/oauth-protected-resource/other/api/v1"),
        ("/.well-known/oauth-authorization-server/other", "/.well-known/oauth-authorization-server/other"),
        ("/tenants/openid/token", "/tenants/openid/token"),
        ("/tenant/elsewhere", "/tenant/elsewhere"),
        ("/other/tenant/openid/token", "/other/tenant/openid/token"),
    ],
)
async def test_a_path_is_served_with_and_without_that_of_the_issuer(asked: str, served: str):
    assert await _seen(asked) == served


async def test_an_issuer_path_that_begins_like_ours_is_told_from_ours():
    assert await _seen("/openid/token", "/openid") == "/openid/token"
    assert await _seen("/openid/openid/token", "/openid") == "/openid/token"
    assert await _seen("/a/b/openid/token", "/a/b") == "/openid/token"
