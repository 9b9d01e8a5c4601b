"""What strangers send is read with work that grows no faster than its length: counted in calls, for a clock would tell of the machine."""

import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from service.endpoints import paging
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.fields import Fields
from service.grants.client_authentication import parse_credentials
from service.http.asgi import BodyTooLong, address, cookie, read_body
from service.oauth import claims, redirect_match, request_parameters
from service.oauth.errors import Refusal, Shown
from service.oauth.form import FORM, parse
from service.oauth.parameters import is_resource
from service.pages import csrf, devices, language
from service.people.passwords import fault_of
from service.people.throttle import network
from service.problems import Problem
from service.values.email_address import is_email, normalised

REGISTERED = ("https://app.example.com/cb", "http://127.0.0.1/cb")
UNIT = 500
MARKS = "\u0301\u0316"
"""Two combining marks that normalising must put in order, again and again: the worst that a text can have for it."""


def scope(*headers: tuple[str, str], query: str = "") -> dict[str, Any]:
    raw = [(name.encode(), value.encode("utf-8")) for name, value in headers]
    return {"type": "http", "method": "GET", "path": "/", "headers": raw, "query_string": query.encode()}


def fields(text: str) -> None:
    body = "{" + ",".join(f'"{n}{text[:1]}":1' for n in range(len(text))) + "}"
    Fields(CreateOAuthClientRequest, "application/json", body.encode()).done()


READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "a cookie": (lambda text: cookie(scope(("cookie", text)), "muniment_session"), '"\\"\\"'),
    "many cookies": (lambda text: cookie(scope(("cookie", text)), "muniment_session"), "muniment_session=x;"),
    "many headers of cookies": (lambda text: cookie(scope(*[("cookie", "a=b")] * len(text)), "c"), "x"),
    "accept-language": (lambda text: language.chosen((), text), "x-y;q=0.1,"),
    "weights": (lambda text: language.chosen((), f"de;q={text}"), "1"),
    "tags": (lambda text: language.chosen((), text), "-aa"),
    "ui_locales": (lambda text: language.chosen(text.split(), None), "xx "),
    "a form": (lambda text: parse(FORM, text.encode()), "a=b&"),
    "a form's escapes": (lambda text: parse(FORM, b"a=" + text.encode()), "%41"),
    "a form's names": (lambda text: parse(FORM, text.encode()), "%25=&"),
    "a request": (lambda text: request_parameters.parse(text.encode()), "a=b&"),
    "a redirect URI": (lambda text: redirect_match.differences("https://" + text, REGISTERED), "a.[:@"),
    "a redirect URI's marks": (lambda text: redirect_match.differences("https://" + text, REGISTERED), MARKS),
    "a loopback redirect URI": (lambda text: redirect_match.matches("http://127.0.0.1:" + text, REGISTERED), "1/?"),
    "a resource": (lambda text: is_resource("https://" + text), "[::1]:"),
    "claims": (claims.wanted, '{"id_token":'),
    "claims in lists": (claims.wanted, "["),
    "basic credentials": (lambda text: parse_credentials(f"Basic {text}", {}), "JTQx"),
    "fields": (fields, "x"),
    "a query": (lambda text: paging.refuse(paging.read(scope(query=text), ("limit", "cursor"))), "a&"),
    "a form's token": (lambda text: csrf.is_token(b"k" * 32, text, text), "a."),
    "an address": (lambda text: network(address({"client": (text, 0)})), ":1"),
    "a user agent": (lambda text: devices.named(text[:300]), "Version/"),
    "an e-mail address": (is_email, "a@"),
    "an e-mail address's marks": (normalised, MARKS),
    "a password's marks": (lambda text: fault_of(text, None), MARKS),
}


def work(read: Callable[[str], object], text: str) -> tuple[int, int]:
    """How many functions were called, in Python and in C, and the longest text that was normalised."""
    calls, longest = 0, 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    normalize = unicodedata.normalize

    def spy(form: Any, given: str) -> str:
        nonlocal longest
        longest = max(longest, len(given))
        return normalize(form, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unicodedata, "normalize", spy)
        sys.setprofile(count)
        try:
            with suppress(Refusal, Problem, Shown):
                read(text)
        finally:
            sys.setprofile(None)
    return calls, longest


@pytest.mark.parametrize(("read", "unit"), READERS.values(), ids=READERS)
def test_twice_as_much_is_at_most_twice_the_work(read: Callable[[str], object], unit: str):
    (little, _), (much, longest) = (work(read, unit * (UNIT * times)) for times in (1, 8))
    assert much <= 8 * little + 100
    assert longest <= 1024


async def test_a_length_may_have_as_many_zeros_as_it_likes():
    async def body() -> dict[str, Any]:
        return {"type": "http.request", "body": b"abc", "more_body": False}

    assert await read_body(scope(("content-length", "0" * 60_000 + "3")), body) == b"abc"
    for length in ("9" * 60_000, "0" * 60_000 + "65537"):
        with pytest.raises(BodyTooLong):
            await read_body(scope(("content-length", length)), body)


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ((), None),
        (("a=b; muniment_session=x-_1; c=d",), "x-_1"),
        (("muniment_session=x; muniment_session=y",), "y"),
        (("muniment_session=x", "muniment_session=y"), "y"),
        ((" \tmuniment_session = x \t",), "x"),
        (("muniment_session",), None),
        (("muniment_session=",), ""),
        (("xmuniment_session=x; muniment_sessionx=x; MUNIMENT_SESSION=x",), None),
        (('muniment_session="a\\"b"',), '"a\\"b"'),
        (("muniment_session=a=b",), "a=b"),
        (("x=y;" * 199 + "muniment_session=x",), "x"),
        (("x=y;" * 200 + "muniment_session=x",), None),
    ],
)
def test_a_cookie_is_what_stands_after_its_name(headers: tuple[str, ...], value: str | None):
    assert cookie(scope(*(("cookie", header) for header in headers)), "muniment_session") == value


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8::1", 1), "2001:db8::1"),
        (("fe80::1%eth0", 1), "fe80::1%eth0"),
        (None, "unknown"),
        (("", 0), "unknown"),
        (("x" * 60_000, 0), "unknown"),
        (("unix:/run/x", 0), "unknown"),
        (("1.2.3.4, 5.6.7.8", 0), "unknown"),
    ],
)
def test_an_address_is_one_or_unknown(client: tuple[str, int] | None, shown: str):
    assert address({"client": client}) == shown
