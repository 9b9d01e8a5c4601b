"""Bad input to the management API: each kind gets its documented 4xx, a text that says what is wrong, and every fault at once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.endpoints.client_schemas import CreateOAuthClientRequest
from tests.flows.conftest import Live, exchange, oauth_error, refused
from tests.patience import grows_linearly

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"
JSON = {"Content-Type": "application/json"}
GOOD = {"m2m": True, "botUserId": "bot-abc123"}
UNKNOWN = (
    f"is not a field of this request; its fields are: {', '.join(CreateOAuthClientRequest.__struct_encode_fields__)}"
)
URI = "https://a.example/"
MOST_BYTES = 64 * 1024


async def post(live: Live, body: Any, path: str = CLIENTS) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await live.http.post(path, content=content, headers={**live.bearer, **JSON})


async def faults(live: Live, body: Any, path: str = CLIENTS) -> dict[str, list[str]]:
    return refused(await post(live, body, path), 400)["errors"]


@pytest.fixture(scope="module")
async def client(live: Live) -> str:
    """The path of a client of the operator's."""
    return f"{CLIENTS}/{(await live.register(displayName='bad input'))[0]}"


async def change(live: Live, client: str, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await live.http.patch(client, content=content, headers={**live.bearer, **JSON, "If-Match": "*"})


# What each field may not be

WRONG = [
    ({"botUserId": "b"}, "m2m", "is required"),
    ({}, "m2m", "is required"),
    ({**GOOD, "m2m": None}, "m2m", "must be true or false, got null"),
    ({**GOOD, "m2m": "true"}, "m2m", "must be true or false, got str"),
    ({**GOOD, "m2m": 1}, "m2m", "must be true or false, got int"),
    ({**GOOD, "m2m": []}, "m2m", "must be true or false, got array"),
    ({"m2m": True}, "botUserId", "is required for a machine-to-machine client (m2m: true)"),
    ({"m2m": True, "botUserId": None}, "botUserId", "is required for a machine-to-machine client (m2m: true)"),
    ({"m2m": True, "botUserId": ""}, "botUserId", "must not be blank"),
    ({"m2m": True, "botUserId": "  \u3000"}, "botUserId", "must not be blank"),
    ({"m2m": False, "redirectUri": URI, "botUserId": " "}, "botUserId", "must not be blank"),
    ({"m2m": True, "botUserId": 7}, "botUserId", "must be str | null, got int"),
    ({"m2m": True, "botUserId": ["b"]}, "botUserId", "must be str | null, got array"),
    ({**GOOD, "displayName": {}}, "displayName", "must be str | null, got object"),
    ({**GOOD, "displayName": 10**400}, "displayName", "must be str | null, got int"),
    ({**GOOD, "redirectUri": False}, "redirectUri", "must be str | null, got bool"),
    ({"m2m": False}, "redirectUri", "is required for an interactive client (m2m: false), unless redirectUris is given or deviceGrant is true"),
    ({"m2m": False, "redirectUri": None}, "redirectUri", "is required for an interactive client (m2m: false), unless redirectUris is given or deviceGrant is true"),
    ({**GOOD, "scope": "x"}, "scope", UNKNOWN),
    ({**GOOD, "client_id": "x"}, "client_id", UNKNOWN),
    ({**GOOD, "M2M": True}, "M2M", UNKNOWN),
    ({**GOOD, "": 1}, "", UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field", "message"), WRONG, ids=[f"{f or 'nameless'}: {json.dumps(b)[:60]}" for b, f, _ in WRONG]
)
async def test_a_wrong_field_is_named_with_what_is_wrong(live: Live, body: dict[str, Any], field: str, message: str):
    assert await faults(live, body) == {field: [message]}


async def test_all_faults_are_named_at_once(live: Live):
    body = {
        "m2m": "yes",
        "botUserId": "x" * 451,
        "displayName": "\0",
        "redirectUri": "javascript:x",
        "scopes": [7],
        "a": 1,
    }
    answer = refused(await post(live, body), 400)
    assert set(answer["errors"]) == {"m2m", "botUserId", "displayName", "redirectUri", "scopes", "a"}
    for name in answer["errors"]:
        assert name in answer["detail"]
    several = await faults(live, {"m2m": False, "redirectUri": "http://user@a.example/#x"})
    assert [text.split()[-1] for text in several["redirectUri"]] == ["(#)", "(user@)", "MUNIMENT_INSECURE_HTTP_HOSTS"]


LIMITS = [
    (CLIENTS, "botUserId", 450, {"m2m": True}),
    (CLIENTS, "displayName", 255, GOOD),
    (CLIENTS, "redirectUri", 2000, GOOD),
    (BOTS, "email", 255, {}),
    (BOTS, "firstName", 100, {"email": "first-name@example.com"}),
    (BOTS, "lastName", 100, {"email": "last-name@example.com"}),
    ("secrets", "name", 100, {}),
    ("patch", "displayName", 255, {}),
]


@pytest.mark.parametrize("letter", ["x", "\U0001f916"], ids=["letters", "letters of four bytes"])
@pytest.mark.parametrize(
    ("path", "field", "most", "rest"), LIMITS, ids=[f"{field} of {path}" for path, field, _, _ in LIMITS]
)
async def test_a_field_may_be_as_long_as_documented_and_no_longer(  # noqa: PLR0917
    live: Live, client: str, path: str, field: str, most: int, rest: dict[str, Any], letter: str
):
    def body(length: int) -> dict[str, Any]:
        if field == "redirectUri":
            return {**rest, field: URI + "x" * (length - len(URI))}
        at = "@e.example" if field == "email" else ""
        return {**rest, field: letter * (length - len(at)) + at}

    async def send(length: int) -> httpx.Response:
        if path == "patch":
            return await change(live, client, body(length))
        made = await post(live, body(length), f"{client}/secrets" if path == "secrets" else path)
        if made.status_code == 201 and path in ("secrets", BOTS):
            await live.http.delete(made.headers["location"], headers=live.bearer)
        return made

    assert (await send(most)).status_code in (200, 201)
    assert (
        refused(await send(most + 1), 400)["errors"] == {field: [f"must be str of length <= {most}"]}
        or field == "botUserId"
    )
    assert list(refused(await send(most + 1), 400)["errors"]) == [field]


BAD_URIS = {
    "": "URI",
    " ": "URI",
    "/callback": "absolute",
    "callback": "absolute",
    "//a.example/cb": "absolute",
    "?x=1": "absolute",
    "https:": "host",
    "https:///cb": "host",
    "https:cb": "host",
    "https://:443/cb": "host",
    "https://a.example/cb#": "fragment",
    "https://a.example/cb#part": "fragment",
    "com.example.app:/cb#part": "fragment",
    "javascript:alert(1)": "not javascript:",
    "JavaScript:alert(1)": "not javascript:",
    "data:text/html,x": "not data:",
    "vbscript:x": "not vbscript:",
    "file:///etc/passwd": "not file:",
    "ftp://a.example/": "not ftp:",
    "blob:https://a.example/x": "not blob:",
    "about:blank": "not about:",
    "myapp://cb": "own scheme",
    "urn:ietf:wg:oauth:2.0:oob": "not urn:",
    "https://*.example.com/cb": "wildcard",
    "https://a.example/*": "wildcard",
    "https://user:pass@a.example/": "user information",
    "https://user@a.example/": "user information",
    "https://@a.example/": "user information",
    "http://a.example/cb": "must be https",
    "http://127.0.0.1.a.example/cb": "must be https",
    "http://localhost.a.example/cb": "must be https",
    "http://127.0.0.2/cb": "must be https",
    "http://0.0.0.0/cb": "must be https",
    "http://2130706433/cb": "must be https",
    "https://a.example:99999/": "port",
    "https://a.example:x/": "port",
    "https://a.example:0/": "port 0",
    "https://[::1/": "read",
    "https://[a.example/": "read",
    "https://a b.example/": "spaces",
    "https://a.example/\u00e9": "ASCII",
    "https://\u0430.example/": "ASCII",
    "https://a.example\\@b.example/": "backslashes",
    " https://a.example/": "spaces",
    "https://a.example/cb ": "spaces",
    'https://a.example/"': "characters",
    "https://a.example/<x>": "characters",
    "https://a.example/\n": "U+000A",
    "https://a.example/\0": "U+0000",
    "https://a.example/\ud800": "U+D800",
}


@pytest.mark.parametrize("uri", BAD_URIS, ids=[ascii(uri) for uri in BAD_URIS])
async def test_a_bad_redirect_uri_is_refused_with_the_reason(live: Live, client: str, uri: str):
    for m2m in (True, False):
        found = await faults(live, {"m2m": m2m, "botUserId": "b", "redirectUri": uri})
        assert list(found) == ["redirectUri"]
        assert BAD_URIS[uri] in found["redirectUri"][0]
    found = refused(await change(live, client, {"redirectUris": [URI, uri]}), 400)["errors"]
    assert list(found) == ["redirectUris"]
    assert BAD_URIS[uri] in found["redirectUris"][0]


# Characters that no text may have

ODD = {
    "a NUL": "\\u0000",
    "a lone high surrogate": "\\ud800",
    "a lone low surrogate": "x\\udfffy",
    "a line break": "\\n",
    "a C1 control": "\\u0085",
}
TEXTS = [
    (CLIENTS, '{"m2m": true, "botUserId": "%s"}', "botUserId"),
    (CLIENTS, '{"m2m": true, "botUserId": "b", "displayName": "%s"}', "displayName"),
    (CLIENTS, '{"m2m": true, "botUserId": "b", "redirectUri": "%s"}', "redirectUri"),
    (BOTS, '{"email": "a%s@example.com"}', "email"),
    (BOTS, '{"email": "odd@example.com", "firstName": "%s"}', "firstName"),
    (BOTS, '{"email": "odd@example.com", "lastName": "%s"}', "lastName"),
    ("secrets", '{"name": "%s"}', "name"),
    ("secrets", '{"expiresUtc": "%s"}', "expiresUtc"),
    ("patch", '{"displayName": "%s"}', "displayName"),
    ("patch", '{"redirectUris": ["https://a.example/%s"]}', "redirectUris"),
    ("patch", '{"scopes": ["api:public%s"]}', "scopes"),
]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize(("path", "body", "field"), TEXTS, ids=[f"{field} of {path}" for path, _, field in TEXTS])
async def test_odd_characters_are_refused_in_every_text(  # noqa: PLR0917
    live: Live, client: str, path: str, body: str, field: str, odd: str
):
    content = (body % odd).encode()
    if path == "patch":
        answer = await change(live, client, content)
    else:
        answer = await post(live, content, f"{client}/secrets" if path == "secrets" else path)
    found = refused(answer, 400)["errors"]
    assert list(found) == [field]
    assert "U+" in found[field][0]


@pytest.mark.parametrize("name", [" ", "\u3164", "rotation\u2800"])
async def test_a_secret_s_name_can_be_seen_and_told_from_another(live: Live, client: str, name: str):
    answer = await post(live, json.dumps({"name": name}).encode(), f"{client}/secrets")
    assert set(refused(answer, 400)["errors"]) == {"name"}
    body = {"m2m": True, "botUserId": "b", "secretName": name}
    assert set(refused(await post(live, json.dumps(body).encode(), CLIENTS), 400)["errors"]) == {"secretName"}


@pytest.mark.parametrize("email", ["\u3164@example.com", "ada\u2800@example.com"])
async def test_a_bot_s_address_has_nothing_in_it_that_is_not_seen(live: Live, email: str):
    answer = await post(live, json.dumps({"email": email}).encode(), BOTS)
    assert set(refused(answer, 400)["errors"]) == {"email"}


@pytest.mark.parametrize(
    "odd",
    [*ODD.values(), "\\\\", '\\"', "x" * 500],
    ids=[*ODD.keys(), "a backslash", "a quotation mark", "500 letters"],
)
async def test_odd_characters_in_a_field_s_name_are_refused_and_shown_escaped(live: Live, odd: str):
    for body in ('{"m2m": true, "botUserId": "b", "a%s": 1}', '{"m2m": true, "botUserId": "b", "a%s": 1, "a%s": 2}'):
        found = await faults(live, (body.replace("%s", odd)).encode())
        assert all(name.isascii() and name.isprintable() and len(name) <= 500 for name in found)


# Bodies that are no JSON object

NO_OBJECT = {
    "nothing": (b"", "JSON"),
    "blanks": (b"  \n", "JSON"),
    "no JSON": (b"m2m=true", "JSON"),
    "cut short": (b'{"m2m": true, ', "JSON"),
    "a comma too many": (b'{"m2m": true,}', "JSON"),
    "two objects": (b"{}{}", "JSON"),
    "single quotes": (b"{'m2m': true}", "JSON"),
    "a comment": (b'{"m2m": true} // yes', "JSON"),
    "NaN": (b'{"m2m": true, "botUserId": NaN}', "JSON"),
    "Infinity": (b'{"m2m": true, "botUserId": Infinity}', "JSON"),
    "minus Infinity": (b'{"m2m": true, "botUserId": -Infinity}', "JSON"),
    "a number of 5,000 digits": (b'{"m2m": ' + b"9" * 5000 + b"}", "JSON"),
    "a raw line break in a text": (b'{"botUserId": "a\nb"}', "JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"m2m": true}', "JSON"),
    "UTF-16": ('{"m2m": true, "botUserId": "b"}'.encode("utf-16"), "UTF-8"),
    "Latin-1": ('{"m2m": true, "botUserId": "é"}'.encode("latin-1"), "UTF-8"),
    "a surrogate in UTF-8": (b'{"m2m": true, "botUserId": "\xed\xa0\x80"}', "UTF-8"),
    "overlong UTF-8": (b'{"m2m": true, "botUserId": "\xc0\x80"}', "UTF-8"),
    "a raw NUL": (b'{"m2m": true, "botUserId": "\0"}', "JSON"),
    "a list": (b"[]", "object"),
    "a list of requests": (b'[{"m2m": true, "botUserId": "b"}]', "object"),
    "a text": (b'"m2m"', "object"),
    "a number": (b"1e999", "object"),
    "null": (b"null", "object"),
    "true": (b"true", "object"),
    "30,000 lists in each other": (b"[" * 30_000 + b"]" * 30_000, "JSON"),
    "10,000 objects in each other": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "JSON"),
    "60,000 opened lists": (b"[" * 60_000, "JSON"),
}


@pytest.mark.parametrize(("body", "word"), NO_OBJECT.values(), ids=NO_OBJECT.keys())
async def test_a_body_that_is_no_json_object_is_refused(live: Live, client: str, body: bytes, word: str):
    for answer in (
        await post(live, body),
        await post(live, body, BOTS),
        await post(live, body, f"{client}/secrets"),
        await change(live, client, body),
    ):
        assert word in refused(answer, 400)["detail"]


async def test_a_number_too_big_for_any_computer_is_a_wrong_type_and_no_fault_of_ours(live: Live):
    for number in (b"1e999", b"-1e999", b"1e-999", b"9" * 4000, b"-0", b"0.1"):
        assert list(await faults(live, b'{"botUserId": "b", "m2m": ' + number + b"}")) == ["m2m"]


async def test_a_field_given_twice_is_refused_even_when_both_say_the_same(live: Live):
    assert await faults(live, b'{"m2m": true, "m2m": true, "botUserId": "b"}') == {"m2m": ["is given more than once"]}
    assert await faults(live, b'{"m2m": true, "m\\u0032m": false, "botUserId": "b"}') == {
        "m2m": ["is given more than once"]
    }
    found = await faults(live, b'{"m2m": true, "botUserId": "b", "x": 1, "x": 2}')
    assert [text.split()[1] for text in found["x"]] == ["given", "not"]
    nested = await faults(live, b'{"m2m": true, "botUserId": {"a": 1, "a": 2}}')
    assert set(nested) == {"a", "botUserId"}


async def test_a_field_among_thousands_costs_no_more_to_refuse_than_one_among_hundreds(live: Live):
    async def send(fields: int) -> None:
        refused(await post(live, b"{" + b",".join(b'"%x":1' % n for n in range(fields)) + b"}"), 400)

    await grows_linearly(send, 7000)


# How long a body may be, and of which type


@pytest.mark.parametrize("path", [CLIENTS, BOTS])
async def test_a_body_of_64_kib_is_read_and_one_byte_more_is_too_long(live: Live, path: str):
    body = json.dumps(GOOD if path == CLIENTS else {"email": "long-body@example.com"}).encode()
    exactly = body + b" " * (MOST_BYTES - len(body))
    assert (await post(live, exactly, path)).status_code == 201
    refused(await post(live, exactly + b" ", path), 413)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * 8192

    refused(await live.http.post(path, content=chunks(), headers={**live.bearer, **JSON}), 413)
    assert (await live.http.get("/health/live")).status_code == 200


async def test_a_body_that_nobody_reads_may_not_be_endless_either(live: Live, client: str):
    for method, path in (("DELETE", CLIENTS + "/x"), ("POST", f"{client}/enable"), ("GET", client)):
        answer = await live.http.request(method, path, content=b" " * (MOST_BYTES + 1), headers={**live.bearer, **JSON})
        refused(answer, 413)


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
        "multipart/form-data; boundary=x",
    ],
)
async def test_another_content_type_is_refused_with_the_right_one_named(live: Live, client: str, kind: str | None):
    headers = {**live.bearer, **({} if kind is None else {"Content-Type": kind})}
    for path in (CLIENTS, BOTS, f"{client}/secrets"):
        answer = await live.http.post(path, content=json.dumps(GOOD).encode(), headers=headers)
        assert "application/json" in refused(answer, 415)["detail"]
    answer = await live.http.patch(client, content=b"{}", headers={**headers, "If-Match": "*"})
    refused(answer, 415)


# Bots, secrets and changes


@pytest.mark.parametrize(
    "email",
    ["", " ", "a", "@", "a@", "@b", "a b@example.com", "a@b@c", "a@b c", "a@\u00a0b", None, 5, [], {"a": 1}],
    ids=repr,
)
async def test_a_bot_s_email_must_be_one(live: Live, email: Any):
    assert list(await faults(live, {"email": email}, BOTS)) == ["email"]


async def test_a_bot_needs_an_email_and_nothing_unknown(live: Live):
    assert set(await faults(live, {"firstName": 1, "lastName": [], "name": "x"}, BOTS)) == {
        "email",
        "firstName",
        "lastName",
        "name",
    }


BAD_EXPIRY = ["", "tomorrow", "2099-01-01", "2099-01-01T00:00:00", "2099-13-01T00:00:00Z", "2099-02-30T00:00:00Z", "99999-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "2099-01-01T25:00:00Z", 4_102_444_800, 1e300, True, []]  # fmt: skip


@pytest.mark.parametrize("moment", BAD_EXPIRY, ids=repr)
async def test_a_secret_s_expiry_must_be_a_moment_to_come(live: Live, client: str, moment: Any):
    assert list(await faults(live, {"expiresUtc": moment}, f"{client}/secrets")) == ["expiresUtc"]


@pytest.mark.parametrize(
    "scopes",
    ["api:public", [1], [None], [""], ["a b"], ['a"b'], ["a\\b"], ["é"], ["x" * 101], ["x"] * 51, {}, None],
    ids=lambda s: repr(s)[:40],
)
async def test_scopes_must_be_a_short_list_of_scope_tokens(live: Live, client: str, scopes: Any):
    assert list(refused(await change(live, client, {"scopes": scopes}), 400)["errors"]) == ["scopes"]


@pytest.mark.parametrize(
    "uris", [URI, [1], [None], [URI] * 21, {}, None, [URI + "x" * 2000]], ids=lambda u: repr(u)[:40]
)
async def test_redirect_uris_must_be_a_short_list_of_texts(live: Live, client: str, uris: Any):
    assert list(refused(await change(live, client, {"redirectUris": uris}), 400)["errors"]) == ["redirectUris"]


async def test_what_cannot_be_changed_is_refused_by_name(live: Live, client: str):
    body = {"clientId": "x", "m2m": False, "owner": "me", "state": "active", "botUserId": "b", "clientSecret": "s"}
    assert set(refused(await change(live, client, body), 400)["errors"]) == set(body)


# Paths, queries and headers

ODD_IDS = ["x", "%00", "%ED%A0%80", "%FF", "%2e%2e", "..%2f..", "oauth_client_", "oauth_client_" + "g" * 32, "oauth_client_" + "0" * 31, "oauth_client_" + "0" * 33, "OAUTH_CLIENT_" + "0" * 32, "oauth_client_" + "0" * 32, "oauth_client_" + "\u0660" * 32, "bot_" + "0" * 32, "bot_%00", "%F0%9F%A4%96", "x" * 5000, "'%20or%20'1'='1", "%0d%0aX-Evil:%201", "%"]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS, ids=lambda odd: ascii(odd)[:40])
async def test_an_id_of_another_form_names_nothing(live: Live, client: str, odd: str):
    asked = {**live.bearer, **JSON, "If-Match": "*"}
    for method, path in (
        ("GET", f"{CLIENTS}/{odd}"), ("PATCH", f"{CLIENTS}/{odd}"), ("DELETE", f"{CLIENTS}/{odd}"),
        ("POST", f"{CLIENTS}/{odd}/disable"), ("POST", f"{CLIENTS}/{odd}/enable"), ("GET", f"{CLIENTS}/{odd}/secrets"),
        ("POST", f"{CLIENTS}/{odd}/secrets"), ("DELETE", f"{CLIENTS}/{odd}/secrets/{odd}"), ("DELETE", f"{client}/secrets/{odd}"),
        ("GET", f"{BOTS}/{odd}"), ("DELETE", f"{BOTS}/{odd}"), ("POST", f"{BOTS}/{odd}/disable"), ("POST", f"{BOTS}/{odd}/enable"),
    ):  # fmt: skip
        refused(await live.http.request(method, path, content=b"{}", headers=asked), 404)


BAD_QUERIES = {
    "limit=0": ["limit"],
    "limit=1001": ["limit"],
    "limit=-1": ["limit"],
    "limit=1.0": ["limit"],
    "limit=": ["limit"],
    "limit=x": ["limit"],
    "limit=%D9%A1": ["limit"],
    "limit=" + "9" * 5000: ["limit"],
    "limit=1&limit=2": ["limit"],
    "cursor=": ["cursor"],
    "cursor=x": ["cursor"],
    "cursor=" + "0" * 31: ["cursor"],
    "cursor=" + "G" * 32: ["cursor"],
    "cursor=%00": ["cursor", "cursor"],
    "nonsense=1": ["nonsense"],
    "=1": [""],
    "%00=1": ["\0"],
    "%ED%A0%80=1": ["\ufffd\ufffd\ufffd"],
    "x" * 500 + "=1": ["x" * 80],
    "limit=0&cursor=x&a=1&b=2": ["a", "b", "limit", "cursor"],
}


@pytest.mark.parametrize("query", BAD_QUERIES, ids=[query[:40] for query in BAD_QUERIES])
async def test_a_bad_query_is_refused_with_every_fault_named(live: Live, query: str):
    for path in (CLIENTS, BOTS):
        errors = refused(await live.http.get(f"{path}?{query}", headers=live.bearer), 400)["errors"]
        assert [name for name, texts in errors.items() for _ in texts] == BAD_QUERIES[query]


async def test_a_state_that_there_is_not_is_refused_and_not_an_empty_list(live: Live):
    answer = await live.http.get(f"{CLIENTS}?state=nonsense", headers=live.bearer)
    assert refused(answer, 400)["errors"] == {"state": ["must be one of: active, disabled, deleted"]}


@pytest.mark.parametrize("name", ["botUserId", "displayName", "owner"])
async def test_odd_characters_in_a_filter_find_nothing_or_are_refused(live: Live, name: str):
    for odd in ("%00", "a%00b"):
        assert list(refused(await live.http.get(f"{CLIENTS}?{name}={odd}", headers=live.bearer), 400)["errors"]) == [
            name
        ]
    for odd in ("zz%ED%A0%80", "zz%FF%FE", "zz%25", "zz\\", "zz'", "x" * 5000, "zz%F0%9F%A4%96", "zz%5C%5C"):
        answer = await live.http.get(f"{CLIENTS}?{name}={odd}", headers=live.bearer)
        assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("key", ["", "x" * 256, "\u00e9", "a\tb"], ids=repr)
async def test_a_bad_idempotency_key_is_refused(live: Live, key: str):
    headers = {**live.bearer, **JSON, "Idempotency-Key": key.encode("latin-1")}
    answer = await live.http.post(CLIENTS, content=json.dumps(GOOD).encode(), headers=headers)  # pyright: ignore[reportArgumentType]
    assert "Idempotency-Key" in refused(answer, 400)["detail"]


@pytest.mark.parametrize(
    "given", ["", "1", '"', '"1', '1"', "\u00b2", '"1"; "2"', "x" * 5000], ids=lambda g: ascii(g)[:30]
)
async def test_an_if_match_that_is_no_etag_is_refused(live: Live, client: str, given: str):
    headers = {**live.bearer, **JSON, "If-Match": given.encode("latin-1")}
    answer = await live.http.patch(client, content=b"{}", headers=headers)  # pyright: ignore[reportArgumentType]
    refused(answer, 400)


@pytest.mark.parametrize(
    "given",
    ['""', '"x"', '"-1"', '"1.0"', '"99", "98"', '"٣"'.encode().decode("latin-1"), '"' + "9" * 5000 + '"', '"\u00b2"'],
    ids=lambda g: ascii(g)[:30],
)
async def test_an_etag_that_is_none_of_ours_matches_nothing(live: Live, client: str, given: str):
    headers = {**live.bearer, **JSON, "If-Match": given.encode("latin-1")}
    answer = await live.http.patch(client, content=b"{}", headers=headers)  # pyright: ignore[reportArgumentType]
    refused(answer, 412)


@pytest.mark.parametrize(
    "position", ["", "-1", "01", "x", "1.5", "\u00b2", "9" * 19, "9" * 5000, "0x1"], ids=lambda p: ascii(p)[:30]
)
async def test_a_min_position_that_is_no_position_is_refused(live: Live, position: str):
    headers = {**live.bearer, "Muniment-Min-Position": position.encode("latin-1")}
    answer = await live.http.get(CLIENTS, headers=headers)  # pyright: ignore[reportArgumentType]
    assert "Muniment-Min-Position" in refused(answer, 400)["detail"]
    assert (await live.http.post("/openid/token", data={"a": "b"}, headers=headers)).status_code == 400  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["Content-Type", "Idempotency-Key", "Last-Event-ID", "Muniment-Min-Position"])
async def test_a_header_that_may_be_there_once_is_refused_if_it_is_there_twice(live: Live, name: str):
    headers = [("Content-Type", "application/json"), *live.bearer.items(), *[(name, "1")] * 2]
    answer = await live.http.post(CLIENTS, content=json.dumps(GOOD).encode(), headers=headers)
    assert f"The header {name} is given more than once." in refused(answer, 400)["detail"]
    answer = await live.http.post("/openid/token", content=b"grant_type=client_credentials", headers=headers)
    assert "more than once" in oauth_error(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/audit%2fevents", "/api/v1/audit%2Fstream", "/api%2fv1/auth/clients", "/log%2fkey", "/openid%2ftoken",
        "/api/v1/audit%5cevents", "/api/v1/audit/events%00", "/api/v1/auth/clients/x%2Fsecrets",
    ],
)  # fmt: skip
async def test_an_encoded_slash_in_a_path_is_no_slash(live: Live, path: str):
    refused(await live.http.get(path, headers=live.bearer), 404)


# What no HTTP library would send

RAW = {
    "no HTTP at all": b"hello\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a version from the future": b"GET / HTTP/9.9\r\n\r\n",
    "a method of its own": b"BREW /api/v1/auth/clients HTTP/1.1\r\nHost: x\r\n\r\n",
    "raw bytes in the path": b"GET /api/v1/auth/clients/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "raw bytes in the query": b"POST /api/v1/auth/clients?a=\xff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a NUL in the path": b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in a header": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "a header without a name": b"GET /health/live HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n",
    "two lengths": b"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length beyond all bounds": b"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "a length in superscript": b"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Length: \xb2\r\n\r\n",
    "a bad chunk": b"POST /openid/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}  # fmt: skip


@pytest.mark.parametrize("request_bytes", RAW.values(), ids=RAW.keys())
async def test_broken_http_is_answered_with_a_4xx(live: Live, request_bytes: bytes):
    answer = await exchange(live, request_bytes)
    assert answer.startswith((b"HTTP/1.1 40", b"HTTP/1.1 413")), answer[:300]


HOSTS = ["[", "[::1", "a/b?c#d", "a:b", "a@b", "\xff", "x" * 3000, "", "a b", "]["]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: ascii(host)[:20])
async def test_the_host_header_is_nobody_s_way_in(live: Live, host: str):
    body = json.dumps(GOOD).encode()
    head = (
        f"POST {CLIENTS}?%FF HTTP/1.1\r\nHost: {host}\r\nAuthorization: {live.bearer['Authorization']}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: host-{HOSTS.index(host)}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    answer = await exchange(live, head.encode("latin-1") + body)
    assert answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 400")), answer[:300]
    other = await exchange(
        live, f"GET {CLIENTS}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")
    )
    assert other.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), other[:300]


async def test_a_declared_length_that_is_too_long_is_refused_before_a_byte_of_it_is_sent(live: Live):
    head = f"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
    assert (await exchange(live, head.encode())).startswith(b"HTTP/1.1 413")


async def test_a_patient_sender_is_told_to_go_on(live: Live):
    head = b"POST /openid/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=b"
    assert b"HTTP/1.1 400 Bad Request" in await exchange(live, head, close=False)


async def test_a_body_that_is_cut_short_registers_nothing(live: Live):
    body = json.dumps({**GOOD, "displayName": "cut short"}).encode()
    head = f"POST {CLIENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {live.bearer['Authorization']}\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 5}\r\n\r\n"
    await exchange(live, head.encode() + body, close=True)
    assert (await live.http.get(f"{CLIENTS}?displayName=cut%20short", headers=live.bearer)).json() == []


@pytest.mark.parametrize(("start", "unit"), [("Bearer ", "a"), ("Bearer ", "."), ("Bearer ", "a.b."), ("", "x")])
async def test_a_huge_authorization_header_is_refused_in_time_that_grows_with_its_length(
    live: Live, start: str, unit: str
):
    async def send(length: int) -> None:
        refused(await live.http.get(CLIENTS, headers={"Authorization": start + unit * (length // len(unit))}), 401)

    await grows_linearly(send, 60_000)
