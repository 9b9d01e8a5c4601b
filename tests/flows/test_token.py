"""POST /openid/token: who gets a token, for which scopes, and how everybody else is refused (RFC 6749 sections 4.4 and 5.2)."""

import base64
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import jwt
import pytest

from tests.flows.conftest import Live, exchange, oauth_error, refused

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MOST_BYTES = 64 * 1024


@pytest.fixture(scope="module")
async def client(live: Live) -> tuple[str, str]:
    """(client_id, client_secret) of a machine client with the scope api:public."""
    return await live.register(displayName="token tests")


def basic(client_id: str, client_secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


async def ask(live: Live, form: Any, **headers: str) -> httpx.Response:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await live.http.post("/openid/token", content=body, headers={**FORM, **named})


async def test_the_secret_in_the_body_gets_a_token(live: Live, client: tuple[str, str]):
    granted = await live.token_for(*client)
    assert granted.status_code == 200
    assert granted.headers["content-type"] == "application/json"
    assert granted.headers["cache-control"] == "no-store"
    assert granted.headers["pragma"] == "no-cache"
    body = granted.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "api:public")


async def test_the_secret_in_the_basic_header_gets_a_token(live: Live, client: tuple[str, str]):
    granted = await ask(live, {"grant_type": "client_credentials"}, authorization=basic(*client))
    assert granted.status_code == 200, granted.text


async def test_basic_credentials_may_be_percent_encoded_as_the_rfc_has_it(live: Live, client: tuple[str, str]):
    encoded = basic(quote(client[0], safe=""), "".join(f"%{ord(c):02X}" for c in client[1]))
    granted = await ask(live, {"grant_type": "client_credentials"}, authorization=encoded)
    assert granted.status_code == 200, granted.text


async def test_the_word_basic_may_be_written_in_any_case_and_the_client_id_repeated(
    live: Live, client: tuple[str, str]
):
    form = {"grant_type": "client_credentials", "client_id": client[0]}
    granted = await ask(live, form, authorization=basic(*client).replace("Basic", "bAsIc"))
    assert granted.status_code == 200, granted.text


async def test_a_token_lives_for_as_long_as_it_says(live: Live, client: tuple[str, str]):
    before = int(time.time())
    claims = jwt.decode(await live.access_token(*client), options={"verify_signature": False})
    assert before <= claims["iat"] <= time.time() + 1
    assert claims["exp"] - claims["iat"] == 3600


async def test_no_two_tokens_have_the_same_id(live: Live, client: tuple[str, str]):
    tokens = [await live.access_token(*client) for _ in range(3)]
    assert len({jwt.decode(token, options={"verify_signature": False})["jti"] for token in tokens}) == 3


async def test_without_a_scope_a_client_gets_all_that_it_may_have(live: Live):
    granted = await live.token_for(live.client_id, live.client_secret)
    assert set(granted.json()["scope"].split()) == {
        "clients:write", "clients:read", "bots:write", "bots:read", "users:write", "users:read", "operate", "api:public",
        "introspect:all", "audit:read",
    }  # fmt: skip


async def test_a_client_gets_the_scopes_that_it_asks_for_each_once(live: Live):
    granted = await live.token_for(live.client_id, live.client_secret, scope=" bots:read  api:public bots:read ")
    assert granted.json()["scope"] == "bots:read api:public"


@pytest.mark.parametrize("scope", ["clients:write", "api:public clients:write", "API:PUBLIC", "api"])
async def test_a_scope_that_the_client_may_not_have_is_refused_by_name(live: Live, client: tuple[str, str], scope: str):
    text = oauth_error(await live.token_for(*client, scope=scope), 400, "invalid_scope")
    assert text.endswith("It may have: api:public.")
    assert "clients:write" not in scope or "clients:write" in text


async def test_a_scope_with_a_quotation_mark_is_refused_in_characters_that_an_error_may_have(
    live: Live, client: tuple[str, str]
):
    text = oauth_error(await live.token_for(*client, scope='a"b\\c'), 400, "invalid_scope")
    assert "a?b?c" in text


async def test_an_unknown_client_a_wrong_secret_and_a_disabled_client_get_the_same_answer(
    live: Live, client: tuple[str, str]
):
    disabled = await live.register()
    await live.http.post(f"/api/v1/auth/clients/{disabled[0]}/disable", headers=live.bearer)
    deleted = await live.register()
    await live.http.delete(f"/api/v1/auth/clients/{deleted[0]}", headers=live.bearer)
    answers = [
        await live.token_for("oauth_client_" + "0" * 32, client[1]),
        await live.token_for("nobody", client[1]),
        await live.token_for(client[0].upper(), client[1]),
        await live.token_for(client[0], "secret_wrong"),
        await live.token_for(client[0], client[1] + "x"),
        await live.token_for(client[0], client[1].removeprefix("secret_")),
        await live.token_for(*disabled),
        await live.token_for(*deleted),
        await live.token_for(client[0], ""),
        await live.token_for("", client[1]),
        await ask(live, {"grant_type": "client_credentials"}),
        await ask(live, {"grant_type": "client_credentials"}, authorization=basic(client[0], "wrong")),
        await ask(live, {"grant_type": "client_credentials"}, authorization=basic("nobody", "wrong")),
    ]
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        oauth_error(answer, 401, "invalid_client")
        # A challenge answers a header alone (RFC 6749 section 5.2): some libraries show it in place of the error.
        challenge = 'Basic realm="muniment"' if "authorization" in answer.request.headers else None
        assert answer.headers.get("www-authenticate") == challenge
        same = {**answer.headers, "date": "", "www-authenticate": ""}
        assert same == {**answers[0].headers, "date": "", "www-authenticate": ""}


BAD_AUTHORIZATION = {
    "another scheme": "Bearer abc",
    "only the scheme": "Basic",
    "bad base64": "Basic !!!!",
    "base64 cut short": "Basic YWJ",
    "no colon": "Basic " + base64.b64encode(b"nocolon").decode(),
    "no client_id": "Basic " + base64.b64encode(b":secret").decode(),
    "no secret": "Basic " + base64.b64encode(b"client:").decode(),
    "not UTF-8": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
    "a NUL": "Basic " + base64.b64encode(b"a\0b:c\0d").decode(),
    "a percent-encoded NUL": "Basic " + base64.b64encode(b"a%00b:c%00d").decode(),
    "a percent-encoded surrogate": "Basic " + base64.b64encode(b"a%ED%A0%80b:c").decode(),
    "not ASCII": "Basic \u00e9\u00e9",
    "half a megabyte": "Basic " + "A" * 40_000,
    "empty": "",
}


@pytest.mark.parametrize("authorization", BAD_AUTHORIZATION.values(), ids=BAD_AUTHORIZATION.keys())
async def test_a_broken_authorization_header_is_a_failed_authentication(live: Live, authorization: str):
    body = b"grant_type=client_credentials"
    response = await live.http.post(
        "/openid/token",
        content=body,
        headers={**FORM, "Authorization": authorization.encode("latin-1")},  # pyright: ignore[reportArgumentType]
    )
    oauth_error(response, 401, "invalid_client")


async def test_credentials_in_both_places_at_once_are_refused(live: Live, client: tuple[str, str]):
    form = {"grant_type": "client_credentials", "client_secret": client[1]}
    for more in ({}, {"client_id": client[0]}):
        answer = await ask(live, form | more, authorization=basic(*client))
        assert "twice" in oauth_error(answer, 400, "invalid_request")


async def test_two_authorization_headers_are_refused(live: Live, client: tuple[str, str]):
    headers = [*FORM.items(), ("Authorization", basic(*client)), ("Authorization", basic("nobody", "wrong"))]
    answer = await live.http.post("/openid/token", content=b"grant_type=client_credentials", headers=headers)
    oauth_error(answer, 400, "invalid_request")


async def test_another_client_id_in_the_body_than_in_the_header_is_refused(live: Live, client: tuple[str, str]):
    form = {"grant_type": "client_credentials", "client_id": live.client_id}
    assert "client_id" in oauth_error(await ask(live, form, authorization=basic(*client)), 400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/openid/token", "/openid/introspect", "/openid/revoke"])
async def test_only_post_is_answered(live: Live, method: str, path: str):
    answer = await live.http.request(method, path, params={"grant_type": "client_credentials"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    if method != "HEAD":
        refused(answer, 405)


async def test_a_missing_grant_type_is_said_to_be_missing(live: Live, client: tuple[str, str]):
    form = {"client_id": client[0], "client_secret": client[1]}
    for grant in ({}, {"grant_type": ""}):
        assert "grant_type" in oauth_error(await ask(live, form | grant), 400, "invalid_request")


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token"])
async def test_a_machine_gets_no_token_in_a_person_s_name(live: Live, client: tuple[str, str], grant: str):
    oauth_error(await live.token_for(*client, grant_type=grant), 400, "unauthorized_client")


@pytest.mark.parametrize(
    "grant",
    ["password", "implicit", "CLIENT_CREDENTIALS", "client_credentials "],
)
async def test_a_grant_type_that_is_not_offered_is_unsupported(live: Live, client: tuple[str, str], grant: str):
    oauth_error(await live.token_for(*client, grant_type=grant), 400, "unsupported_grant_type")


async def test_an_interactive_client_gets_no_token_by_client_credentials(live: Live):
    for bot in (None, "bot-abc123"):
        client = await live.interactive(botUserId=bot)
        oauth_error(await live.token_for(*client), 400, "unauthorized_client")


async def test_the_query_string_is_never_read(live: Live, client: tuple[str, str]):
    query = urlencode({"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]})
    answer = await live.http.post(f"/openid/token?{query}", content=b"", headers=FORM)
    assert "grant_type is missing" in oauth_error(answer, 400, "invalid_request")
    ignored = await live.http.post(
        "/openid/token?scope=operate&grant_type=x",
        data={"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]},
    )
    assert ignored.json()["scope"] == "api:public"


async def test_parameters_given_twice_are_refused_by_name(live: Live, client: tuple[str, str]):
    pairs = [("grant_type", "client_credentials"), ("client_id", client[0]), ("client_secret", client[1])]
    for name, again in (("scope", "api:public"), ("grant_type", "client_credentials"), ("client_secret", client[1])):
        answer = await ask(live, [*pairs, (name, again), (name, "")])
        assert name in oauth_error(answer, 400, "invalid_request")
    both = await ask(live, [*pairs, *pairs, ("scope", "a"), ("scope", "b")])
    assert "client_id, client_secret, grant_type, scope" in oauth_error(both, 400, "invalid_request")


async def test_an_unknown_parameter_is_ignored(live: Live, client: tuple[str, str]):
    assert (await live.token_for(*client, nonsense="y")).status_code == 200


async def test_a_resource_becomes_the_audience(live: Live, client: tuple[str, str]):
    before = await live.register(apis=None)
    token = await live.access_token(*before, resource="https://api.example.com/v1", audience="x")
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == "https://api.example.com/v1"
    ours = await live.access_token(*client)
    assert jwt.decode(ours, options={"verify_signature": False})["aud"] == live.url


@pytest.mark.parametrize("resource", ["/v1", "https://api.example.com/#x", "http://api.example.com", "x"])
async def test_a_resource_that_is_no_absolute_uri_is_refused(live: Live, client: tuple[str, str], resource: str):
    oauth_error(await live.token_for(*client, resource=resource), 400, "invalid_target")


async def test_more_than_fifty_parameters_are_refused(live: Live, client: tuple[str, str]):
    few = [("grant_type", "client_credentials"), ("client_id", client[0]), ("client_secret", client[1])]
    assert (await ask(live, [*few, *((f"p{n}", "x") for n in range(47))])).status_code == 200
    oauth_error(await ask(live, [*few, *((f"p{n}", "x") for n in range(48))]), 400, "invalid_request")


async def test_ten_thousand_parameters_are_refused(live: Live):
    oauth_error(await ask(live, b"&".join(b"p%d" % n for n in range(10_000))), 400, "invalid_request")
    oauth_error(await ask(live, b"&" * 10_000), 400, "invalid_request")
    oauth_error(await ask(live, b"a&" * 10_000), 400, "invalid_request")


BAD_BODIES = {
    "not UTF-8": b"grant_type=client_credentials&scope=\xff\xfe",
    "percent-encoded bytes that are not UTF-8": b"grant_type=client_credentials&scope=%FF%FE",
    "a percent-encoded lone surrogate": b"grant_type=client_credentials&scope=%ED%A0%80",
    "a NUL": b"grant_type=client_credentials&scope=a%00b",
    "a NUL in a name": b"grant_type=client_credentials&a%00b=c",
    "a NUL in the client_id": b"grant_type=client_credentials&client_id=%00&client_secret=x",
    "a line break": b"grant_type=client_credentials&scope=a%0D%0Ab",
    "letters outside ASCII": "grant_type=client_credentials&client_id=\u00e9&client_secret=x".encode(),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_body_of_odd_characters_is_an_invalid_request(live: Live, body: bytes):
    oauth_error(await ask(live, body), 400, "invalid_request")


async def test_no_body_at_all_is_an_invalid_request(live: Live):
    oauth_error(await live.http.post("/openid/token"), 400, "invalid_request")
    oauth_error(await ask(live, b""), 400, "invalid_request")
    oauth_error(await ask(live, b"=&=&="), 400, "invalid_request")


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "x" * 1000, "\u00e9"]
)
async def test_another_content_type_is_refused_with_the_right_one_named(live: Live, client: tuple[str, str], kind: str):
    body = urlencode({"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]}).encode()
    answer = await live.http.post("/openid/token", content=body, headers={"Content-Type": kind.encode("latin-1")})  # pyright: ignore[reportArgumentType]
    assert "application/x-www-form-urlencoded" in oauth_error(answer, 400, "invalid_request")


async def test_a_charset_beside_the_content_type_is_all_right(live: Live, client: tuple[str, str]):
    body = urlencode({"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]}).encode()
    kind = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"
    assert (await live.http.post("/openid/token", content=body, headers={"Content-Type": kind})).status_code == 200


@pytest.mark.parametrize("path", ["/openid/token", "/openid/introspect", "/openid/revoke"])
async def test_a_body_of_64_kib_is_read_and_one_byte_more_is_too_long(live: Live, client: tuple[str, str], path: str):
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": client[0],
            "client_secret": client[1],
            "token": "x",
            "pad": "",
        }
    )
    exactly = form.encode() + b"x" * (MOST_BYTES - len(form))
    assert (await live.http.post(path, content=exactly, headers=FORM)).status_code == 200
    oauth_error(await live.http.post(path, content=exactly + b"x", headers=FORM), 413, "invalid_request")

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    assert (await live.http.post(path, content=chunks(exactly), headers=FORM)).status_code == 200
    oauth_error(await live.http.post(path, content=chunks(exactly + b"x"), headers=FORM), 413, "invalid_request")


async def test_a_body_that_is_cut_short_is_not_taken_for_a_whole_one(live: Live, client: tuple[str, str]):
    """The scope would have been `api:public nonsense`; what arrived until the line went dead asks for less."""
    form = urlencode(
        {"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1], "scope": "api:public"}
    )
    head = f"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\nContent-Length: {len(form) + 9}\r\n\r\n"
    before = await issued_to(live, client[0])
    await exchange(live, head.encode() + form.encode(), close=True)
    await live.http.get("/health/live")
    assert await issued_to(live, client[0]) == before


async def issued_to(live: Live, client_id: str) -> int:
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(live.database)
    try:
        return await connection.fetchval(
            "select count(*) from log.issuance where client = $1", client_id.removeprefix("oauth_client_")
        )
    finally:
        await connection.close()
