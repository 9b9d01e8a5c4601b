"""A worker that has too much to do refuses at once what it could only answer late."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from msgspec import json

from events.database import overloads
from service.http.admission import ADMISSION, IDLE_SECONDS, LEAST, LONG_SECONDS, MOST, TURNS, Admission, Refused
from service.http.lookahead import Lookahead
from service.http.overload import TEXT, Refusals
from tests.rules.test_protocol import FORM, HEAD, LENGTH, Ends

TOKEN = b"POST /openid/token HTTP/1.1\r\nHost: test\r\n" + LENGTH + b"\r\n" + FORM
REGISTRATION = b"POST /api/v1/auth/clients HTTP/1.1\r\nHost: test\r\n" + LENGTH + b"\r\n" + FORM
CODE = TOKEN.replace(b"client_credentials&", b"authorization_code&")
LIST = b"GET /api/v1/auth/clients HTTP/1.1\r\nHost: test\r\n\r\n"
PAGE = b"GET /openid/authorize?client_id=a HTTP/1.1\r\nHost: test\r\n\r\n"
A_TOKEN, A_CHANGE, A_READ = ("POST", b"/openid/token"), ("POST", b"/api/v1/auth/clients"), ("GET", b"/openid/jwks")
ALIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture
def admission() -> Admission:
    return Admission(Refusals("").of)


@pytest.fixture
async def ends(admission: Admission) -> AsyncIterator[Ends]:
    """A connection that has had one request answered, to a worker that is not full."""
    ends = Ends(state={ADMISSION: admission})
    assert await ends.answered(TOKEN) == [200]
    ends.line.said = b""
    yield ends
    ends.protocol.connection_lost(None)


def judged(admission: Admission, method: str, url: bytes) -> Refused | None:
    return admission.judged(asyncio.get_running_loop(), method, url)


def fill(admission: Admission, *kinds: tuple[str, bytes]) -> None:
    """With requests of these kinds, otherwise with tokens: as many as there is room for."""
    for method, url in kinds or (A_TOKEN,):
        for _ in range(int(admission.room)):
            assert judged(admission, method, url) is None


def test_a_queue_that_stands_leaves_the_next_turn_the_room_for_what_fits_into_a_short_one(admission: Admission):
    admission.turned(50, LONG_SECONDS * 1.5, meanwhile=100)
    assert admission.room == MOST
    admission.turned(100, LONG_SECONDS * 2, meanwhile=51)
    assert admission.room == 50
    for _ in range(TURNS - 1):
        admission.turned(80, LONG_SECONDS * 2, meanwhile=80)
        assert admission.room == 50, "what the long turn accepted is still answered"
    admission.turned(80, LONG_SECONDS * 2, meanwhile=80)
    assert admission.room == 25, "of reads and of others, so that both together fit as well"
    admission.turned(25, LONG_SECONDS * 100, meanwhile=25)
    assert admission.room == LEAST


def test_a_burst_is_borne_however_long_it_takes(admission: Admission):
    for _ in range(3):
        admission.turned(MOST, LONG_SECONDS * 10, meanwhile=MOST)
        admission.turned(MOST, LONG_SECONDS * 10, meanwhile=MOST // 10)
        admission.turned(MOST // 10, LONG_SECONDS, meanwhile=MOST)
    assert admission.room == MOST


def test_a_turn_in_which_the_clock_did_not_move_is_short(admission: Admission):
    admission.turned(MOST, LONG_SECONDS * 10, meanwhile=MOST)
    admission.turned(MOST, 0.0, meanwhile=MOST)
    admission.turned(MOST, LONG_SECONDS * 10, meanwhile=MOST)
    assert admission.room == MOST


async def test_a_turn_with_few_requests_ends_a_queue(admission: Admission):
    for _ in range(3):
        admission.turned(MOST, LONG_SECONDS * 10, meanwhile=MOST)
        judged(admission, *A_TOKEN)
        await asyncio.sleep(0)
    assert admission.room == MOST


def test_the_room_doubles_in_a_second_until_the_worker_has_all_of_it_again(admission: Admission):
    admission.asked(100.0)
    admission.room = LEAST
    admission.asked(100.5)
    assert admission.room == LEAST * 1.5
    for at in range(1000):
        admission.asked(100.5 + at / 100)
    assert admission.room == MOST


def test_a_worker_that_nobody_asked_for_a_second_has_all_its_room_again(admission: Admission):
    admission.asked(100.0)
    admission.room = LEAST
    admission.asked(100.0 + IDLE_SECONDS)
    assert admission.room == LEAST * 2
    admission.asked(100.0 + IDLE_SECONDS * 2.1)
    assert admission.room == MOST


async def test_a_turn_is_measured_with_what_came_meanwhile(admission: Admission, monkeypatch: pytest.MonkeyPatch):
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(Admission, "turned", lambda _, accepted, __, *, meanwhile: found.append((accepted, meanwhile)))
    for count in (LEAST, LEAST - 1, LEAST + 1):
        for _ in range(count):
            judged(admission, *A_TOKEN)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert found == [(LEAST, LEAST - 1), (LEAST + 1, 0)]


async def test_a_turn_begins_with_all_its_room(admission: Admission):
    fill(admission)
    assert admission.is_full()
    await asyncio.sleep(0)
    assert not admission.is_full()


async def test_each_refusal_has_the_format_of_its_path_and_health_has_none(admission: Admission):
    fill(admission, A_TOKEN, A_READ)
    error = judged(admission, "POST", b"/openid/token")
    problem = judged(admission, "GET", b"/api/v1/auth/clients")
    page = judged(admission, "GET", b"/signin")
    assert error is not None
    assert problem is not None
    assert page is not None
    assert judged(admission, "GET", b"/health/ready") is None
    for each in (error, problem, page):
        assert each.whole().startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nretry-after: 1\r\n" in each.whole()
        assert TEXT.encode() in each.whole()
    head, _, sent = problem.whole().partition(b"\r\n\r\n")
    body = json.decode(sent)
    assert body.keys() == {"type", "title", "status", "detail", "instance"}
    assert f"x-request-id: {body['instance'].removeprefix('urn:uuid:')}".encode() in head
    assert problem.whole() != problem.whole()
    assert json.decode(error.whole().partition(b"\r\n\r\n")[2])["error"] == "temporarily_unavailable"


async def test_tokens_do_not_crowd_out_what_operators_read_and_people_see(admission: Admission):
    fill(admission)
    assert judged(admission, "GET", b"/api/v1/auth/clients") is None
    assert judged(admission, "POST", b"/signin") is None
    assert judged(admission, "POST", b"/api/v1/auth/clients") is not None


@pytest.mark.parametrize(
    "kind", [("GET", b"/openid/jwks"), ("GET", b"/nothing"), ("POST", b"/nothing"), ("GET", b"/health/live")]
)
async def test_what_a_stranger_reads_or_finds_nowhere_does_not_crowd_out_tokens(
    admission: Admission, kind: tuple[str, bytes]
):
    fill(admission, kind)
    assert judged(admission, *A_TOKEN) is None
    if kind[1] != b"/health/live":
        assert judged(admission, "GET", b"/api/v1/auth/clients") is not None


def test_an_issuer_with_a_path_has_the_same_formats_below_it():
    refused = Refusals("/tenant")
    assert refused.of(b"/tenant/openid/token") is refused.of(b"/openid/token") is not refused.of(b"/signin")
    assert refused.of(b"/tenant/health/live") is None


async def test_a_request_is_refused_whole_or_in_parts_and_the_connection_stays(ends: Ends, admission: Admission):
    before, seen = overloads["requests"], len(ends.seen)
    for at in range(len(TOKEN)):
        fill(admission)
        ends.line.said = b""
        for part in (TOKEN[:at], TOKEN[at:]):
            if not admission.is_full():
                fill(admission)
            if part:
                ends.protocol.data_received(part)
        assert await ends.answered() == [503]
        assert b"retry-after: 1\r\n" in ends.line.said
    assert overloads["requests"] == before + len(TOKEN)
    assert len(ends.seen) == seen, "nothing was done for any of them"
    assert await ends.answered(TOKEN) == [503, 200]
    assert not ends.line.closing


async def test_a_token_for_a_machine_is_refused_before_any_work_if_as_many_wait_for_a_commit_as_may():
    room = 1
    admission = Admission(Refusals("").of, lambda ahead: ahead < room)
    ends, before = Ends(state={ADMISSION: admission}), overloads["requests"]
    assert await ends.answered(TOKEN) == [200]
    for request, status in ((TOKEN, 503), (CODE, 200), (REGISTRATION, 200), (LIST, 200), (ALIVE, 200), (TOKEN, 503)):
        ends.line.said = b""
        room = 0
        assert await ends.answered(request) == [status]
    assert overloads["requests"] == before + 2
    room, ends.line.said = 1, b""
    assert await ends.answered(TOKEN) == [200]
    ends.protocol.connection_lost(None)


async def test_ahead_of_a_token_that_is_to_wait_for_a_commit_are_only_the_tokens_of_the_turn():
    admission = Admission(Refusals("").of, lambda ahead: ahead < 1)
    for _ in range(LEAST):
        judged(admission, *A_CHANGE)
    assert admission.refused(TOKEN, None) is None
    judged(admission, *A_TOKEN)
    assert admission.refused(TOKEN, None) is not None


async def test_those_who_may_not_wait_for_a_commit_count_among_those_who_came_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
):
    """Else a turn that accepts none of them would seem to be the end of a queue."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(Admission, "turned", lambda _, accepted, __, *, meanwhile: found.append((accepted, meanwhile)))
    admission = Admission(Refusals("").of, lambda ahead: ahead < 1)
    for _ in range(2):
        judged(admission, *A_TOKEN)
        for _ in range(LEAST):
            assert admission.refused(TOKEN, None) is not None
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert found == [(1, LEAST + 1), (1, 0)]


async def test_each_of_several_pipelined_requests_is_answered_in_turn(ends: Ends, admission: Admission):
    fill(admission)
    assert await ends.answered(TOKEN + ALIVE + TOKEN) == [503, 200, 200]


async def test_who_watches_and_who_reads_is_answered_while_tokens_are_refused(ends: Ends, admission: Admission):
    for request, status in ((ALIVE, 200), (LIST, 200), (PAGE, 200), (REGISTRATION, 503), (TOKEN, 503)):
        ends.line.said = b""
        fill(admission)
        assert await ends.answered(request) == [status]


@pytest.mark.parametrize("form", [b"http://test/health/live", b"https://elsewhere:1/health/live?a=b"])
async def test_who_watches_may_send_the_whole_url(ends: Ends, admission: Admission, form: bytes):
    """RFC 9112 section 3.2.2: a server accepts that form of the target, too."""
    fill(admission, A_TOKEN, A_READ)
    assert await ends.answered(ALIVE.replace(b"/health/live", form)) == [200]


async def test_a_script_of_another_site_may_read_its_refusal(ends: Ends, admission: Admission):
    fill(admission)
    assert await ends.answered(TOKEN.replace(b"Host", b"Origin: https://app.example\r\nHost")) == [503]
    assert b"access-control-allow-origin: https://app.example\r\n" in ends.line.said


def wrong() -> Iterator[bytes]:
    """What is not exactly one whole request of a connection that stays open."""
    for at in range(1, len(TOKEN)):
        yield TOKEN[:at]
    yield TOKEN + b"P"
    yield TOKEN + TOKEN
    yield TOKEN.replace(b"HTTP/1.1", b"HTTP/1.0")
    yield TOKEN.replace(b"Host", b"Connection: close\r\nHost")
    yield TOKEN.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost")
    yield TOKEN.replace(b"Host", b"Content-Length: 3\r\nHost")
    yield TOKEN.replace(b"Content-Length:", b"Content-Length :")
    yield HEAD + b"Connection: upgrade\r\nUpgrade: h2c\r\n" + LENGTH + b"\r\n" + FORM
    yield b"CONNECT test:1 HTTP/1.1\r\nHost: test\r\n\r\n"
    yield b"GET http://test/health/live HTTP/1.1\r\nHost: test\r\n\r\n"
    yield b"GET /\r\nConnection:keep-alive\r\n\r\n"  # HTTP/0.9 has no version and no headers
    yield b"OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n"


def test_only_one_whole_request_is_seen_as_one_and_the_next_bytes_are_seen_by_themselves():
    lookahead = Lookahead()
    for other in wrong():
        assert lookahead.request(other) is None
        assert lookahead.request(TOKEN) == lookahead.request(b"\r\n" + TOKEN) == ("POST", b"/openid/token")
        assert lookahead.request(LIST) == ("GET", b"/api/v1/auth/clients")
