"""Responses are made of their bytes, and are those of Starlette."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from service.endpoints.authorize import Away
from service.endpoints.management import NO_STORE
from service.endpoints.responses import Plain, sent_at_once
from service.http.asgi import respond
from service.http.exchange import EXCHANGE
from service.http.origin import GOES_AWAY


@pytest.mark.parametrize("media", ["application/json", "text/csv", "application/octet-stream"])
@pytest.mark.parametrize("headers", [{}, {"Location": "/x", "ETag": '"7"'}])
def test_a_plain_response_has_the_headers_that_starlette_would_send(media: str, headers: dict[str, str]):
    made, starlettes = Plain(b"body", 201, headers, media), Response(b"body", 201, headers, media)
    assert (made.status_code, made.body, made.raw_headers) == (
        starlettes.status_code,
        starlettes.body,
        starlettes.raw_headers,
    )
    assert made.headers == starlettes.headers


class Line:
    """An exchange, which takes whole responses."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, list[bytes], bytes]] = []

    def whole(self, status: int, head: bytes, body: bytes) -> bool:
        self.sent.append((status, sorted(head.split(b"\r\n")), body))
        return True


async def nothing(*_: object) -> Any:
    return {}


headers = st.dictionaries(
    st.sampled_from(("ETag", "Link", "Cache-Control", "X-Request-Id")),
    st.sampled_from(("", "a", "no-store", "one\ttwo", "é", "a\r\nSet-Cookie: b", "\x7f")),
)


@given(headers, headers, st.sampled_from((200, 201, 204, 304, 400)))
def test_a_response_that_is_sent_at_once_is_the_one_that_would_be_sent_otherwise(
    own: dict[str, str], further: dict[str, str], status: int
):
    at_once, otherwise = Line(), Line()
    was_sent = sent_at_once({EXCHANGE: at_once}, Plain(b"body", status, own, "text/csv"), further, NO_STORE)
    usual = tuple((name.encode(), value.encode()) for name, value in NO_STORE.items())
    response = Plain(b"body", status, own, "text/csv")
    asyncio.run(respond({EXCHANGE: otherwise, "type": "http"}, nothing, nothing, response, further, usual=usual))
    assert at_once.sent == otherwise.sent
    assert was_sent == bool(otherwise.sent)


def test_a_redirect_to_a_client_is_the_one_that_starlette_would_send():
    made = Away("https://app.example.com/cb?code=c")
    starlettes = Response(None, 303, {**GOES_AWAY, "Location": "https://app.example.com/cb?code=c"})
    assert (made.status_code, made.body) == (starlettes.status_code, starlettes.body)
    assert sorted(made.raw_headers) == sorted(starlettes.raw_headers)
