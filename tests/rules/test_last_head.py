"""A head that comes again is not parsed again, and nothing else changes by that."""

import asyncio
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from service.http.last_head import LONGEST, TRIES, LastHead, once_a_head
from tests.rules.test_protocol import CHUNKED, FORM, HEAD, IN_CHUNKS, JAVA, LENGTH, Ends

GET = b"GET /read HTTP/1.1\r\nHost: test\r\n"
ASKED = HEAD + LENGTH + b"\r\n"
BLANK = b"\r\n\r\n"
EXPECTS = b"Expect: 100-continue\r\n"
PARTS = (
    ASKED + FORM,
    ASKED + FORM.upper(),
    ASKED + BLANK + FORM[4:],
    ASKED + FORM[:-1],
    FORM[-1:],
    ASKED + FORM + b"\r\n",
    BLANK + ASKED + FORM,
    b"\r\n",
    BLANK,
    (ASKED + FORM) * 2,
    ASKED + FORM + GET,
    GET + b"\r\n",
    GET,
    GET + b"Content-Length: 0\r\n\r\n",
    HEAD + CHUNKED + b"\r\n" + IN_CHUNKS,
    HEAD + JAVA + LENGTH + b"\r\n" + FORM,
    HEAD + EXPECTS + LENGTH + b"\r\n" + FORM,
    HEAD + EXPECTS + LENGTH + b"\r\n",
    GET.replace(b"1.1", b"1.0") + b"\r\n",
    GET + b"Connection: close\r\n\r\n",
)
"""What may come at once: whole requests, and parts that are none."""


@given(st.lists(st.sampled_from(PARTS), max_size=8))
def test_a_connection_says_the_same_as_one_that_parses_every_head(parts: list[bytes]):
    async def said() -> tuple[object, ...]:
        ends = Ends()
        await ends.answered(ASKED + FORM, *parts)
        ends.protocol.connection_lost(None)
        return ends.seen, ends.line.said, ends.line.closing

    async def both() -> tuple[object, object]:
        again = await said()
        with patch.object(LastHead, "body_of", lambda *_: None):
            return again, await said()

    again, parsed = asyncio.run(both())
    assert again == parsed


async def test_a_head_that_comes_again_is_not_parsed():
    ends = Ends()
    assert await ends.answered(ASKED + FORM, ASKED + FORM, ASKED + FORM.upper()) == [200] * 3
    with patch.object(ends.protocol, "_parse") as parse:
        assert await ends.answered(ASKED + FORM.upper()) == [200] * 4
    parse.assert_not_called()
    assert [body for _, _, body, _ in ends.seen[1:]] == [FORM, FORM.upper(), FORM.upper()]
    ends.protocol.connection_lost(None)


async def test_only_so_many_heads_are_remembered_of_a_connection_whose_heads_differ():
    ends = Ends()
    await ends.answered(*[GET + b"X: %d\r\n\r\n" % n for n in range(TRIES + 5)])
    last = ends.protocol._last_head
    assert last.body_of(GET + b"X: %d\r\n\r\n" % TRIES) is not None, "the first request of a connection is no try"
    assert last.body_of(GET + b"X: %d\r\n\r\n" % (TRIES + 1)) is None
    ends.protocol.connection_lost(None)


async def test_a_long_request_is_not_remembered():
    ends = Ends()
    long = GET + b"X: " + b"x" * LONGEST + b"\r\n\r\n"
    assert await ends.answered(ASKED + FORM, long) == [200, 200]
    assert ends.protocol._last_head.body_of(long) is None
    ends.protocol.connection_lost(None)


async def test_what_is_found_in_a_head_is_found_once_for_the_requests_that_have_it():
    found: list[str] = []
    ends = Ends()
    echo = ends.protocol.called

    def path(scope: Scope) -> str:
        found.append(scope["path"])
        return scope["path"]

    async def asking(scope: Any, receive: Any, send: Any) -> None:
        assert once_a_head(scope, path) == scope["path"]
        await echo(scope, receive, send)

    ends.protocol.called = asking
    read = GET + b"\r\n"
    assert await ends.answered(*[ASKED + FORM] * 5, *[read] * 4) == [200] * 9
    assert found == ["/echo"] * 3 + ["/read"] * 2, (
        "the first of a connection, the one that is remembered, and once for all that follow"
    )
    ends.protocol.connection_lost(None)
