"""Every refusal is application/problem+json (RFC 9457), whatever it is that is refused."""

import logging
from typing import Any

import httpx
import pytest

from service.app import MANAGED
from tests.flows.conftest import Live, exchange, refused

CLIENTS = "/api/v1/auth/clients"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/v1/auth",
        "/api/v1/auth/clients/",
        "/api/v1/auth/clients/x/y",
        "/openid",
        "/openid/token/",
        "/.well-known",
        "/.well-known/../x",
        "/API/V1/AUTH/CLIENTS",
        "//api/v1/auth/clients",
        "/%00",
        "/%ED%A0%80",
        "/" + "x" * 5000,
        "/favicon.ico",
    ],
    ids=lambda p: p[:30],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_there_is_nothing_at_an_unknown_path(live: Live, method: str, path: str):
    for headers in ({}, live.bearer):
        body = refused(await live.http.request(method, path, headers=headers), 404)
        assert body["title"] == "Not Found"
        assert body["instance"].startswith("urn:uuid:")


READ_ONLY = [
    "/health/live",
    "/health/ready",
    "/openid/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/openapi.json",
    "/docs",
]


@pytest.mark.parametrize("path", READ_ONLY)
async def test_what_is_there_to_be_read_answers_get_and_head_only(live: Live, path: str):
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        answer = await live.http.request(method, path)
        refused(answer, 405)
        assert {"GET", "HEAD"} == set(answer.headers["allow"].replace(" ", "").split(",")) - {"OPTIONS"}
    head, got = await live.http.head(path), await live.http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "has"),
    [
        (path.replace("{client_id}", "x").replace("{bot_id}", "x").replace("{secret_id}", "x"), set(managed.actions))
        for path, managed in MANAGED.items()
    ],
)
async def test_a_method_that_a_managed_path_has_not_is_named_with_those_it_has(live: Live, path: str, has: set[str]):
    for method in {"PUT", "TRACE", "PROPFIND"} - has:
        answer = await live.http.request(method, path, headers=live.bearer)
        refused(answer, 405)
        for allowed in answer.headers["allow"].split(", "):
            if (allowed, path) != ("DELETE", CLIENTS):
                async with live.http.stream(allowed, path, headers=live.bearer) as tried:  # one of them has no end
                    assert tried.status_code != 405


async def test_head_of_a_managed_path_is_get_without_its_body(live: Live):
    got, head = await live.http.get(CLIENTS, headers=live.bearer), await live.http.head(CLIENTS, headers=live.bearer)
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", got.headers["content-type"])
    assert (await live.http.head(CLIENTS)).status_code == 401
    assert (await live.http.head(f"{CLIENTS}/x/disable", headers=live.bearer)).status_code == 405


async def test_every_management_response_has_a_request_id_and_is_stored_by_nobody(live: Live):
    answers = [
        await live.http.get(CLIENTS, headers=live.bearer),
        await live.http.get(CLIENTS),
        await live.http.get(f"{CLIENTS}/x", headers=live.bearer),
        await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=live.bearer),
    ]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        if answer.status_code >= 400:
            assert answer.json()["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"


REFUSED: list[tuple[int, str, str, dict[str, Any]]] = [
    (400, "POST", CLIENTS, {"json": []}),
    (400, "POST", CLIENTS, {"json": {}}),
    (400, "GET", f"{CLIENTS}?limit=x", {}),
    (404, "GET", f"{CLIENTS}/x", {}),
    (405, "PUT", CLIENTS, {}),
    (413, "POST", CLIENTS, {"content": b" " * 70_000}),
    (415, "POST", CLIENTS, {"content": b"{}"}),
    (428, "PATCH", f"{CLIENTS}/x", {"json": {}}),
    (400, "GET", CLIENTS, {"headers": {"Muniment-Min-Position": "999999999999"}}),
]


@pytest.mark.parametrize(("status", "method", "path", "more"), REFUSED, ids=[f"{s} {m} {p}" for s, m, p, _ in REFUSED])
async def test_a_refusal_has_type_title_status_detail_and_instance(
    live: Live, status: int, method: str, path: str, more: dict[str, Any]
):
    headers = {**live.bearer, **more.get("headers", {})}
    answer = await live.http.request(method, path, **{**more, "headers": headers})
    body = refused(answer, status)
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"].endswith(".")


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing_but_a_request_id(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("service.endpoints.clients.client_lists.listed", fail)
    monkeypatch.setattr("service.grants.client_credentials.look_up_certain", fail)
    answers: list[httpx.Response] = []
    with caplog.at_level(logging.ERROR):
        answers.append(await live.http.get(CLIENTS, headers=live.bearer))
        answers.append(await live.token_for("nobody", "wrong"))
    for answer in answers:
        body = refused(answer, 500)
        assert "inner secret" not in answer.text
        assert body["instance"].removeprefix("urn:uuid:") in body["detail"]
        assert body["instance"].removeprefix("urn:uuid:") in caplog.text
    assert "the inner secret" in caplog.text


async def test_a_failure_outside_of_all_endpoints_is_a_500_of_the_same_form(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def fail(*_: object) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("service.lookup.Lookup.be_current", fail)
    with caplog.at_level(logging.ERROR):
        answer = await exchange(live, b"GET /openid/jwks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 500 " in answer.splitlines()[0]
    assert b"application/problem+json" in answer
    assert b"inner secret" not in answer
