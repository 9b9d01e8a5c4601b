"""What was found for a request is found again as long as nothing happens, and no longer."""

import time
from datetime import datetime
from math import inf
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from msgspec import structs
from starlette.types import Scope

from projections import clients
from service import remembered
from service.endpoints import introspect, oauth
from service.endpoints.introspect import _until
from service.grants.oauth_request import OAuthRequest
from service.oauth.authlib_grants import AuthenticatedClient
from service.oauth.tokens import VerifiedClaims
from service.remembered import Remembered
from tests.rules.keyring import CLAIMS
from tests.rules.samples import CLIENT_ID, LATER, REGISTERED, SECRET, STREAM

FORM = b"application/x-www-form-urlencoded"
BODY = b"token=t"


def of(lookup: Any, *came: bytes) -> Remembered[str]:
    """One to which these requests came before."""
    known = Remembered[str](lookup)
    for each in came:
        known.keep(each, "at first", changes=0, until=inf)
    return known


def test_of_what_came_once_nothing_is_found_again():
    known = of(SimpleNamespace(changes=0), b"a")
    assert (known.find(b"a"), b"a" in known) == (None, False)


def test_what_was_found_is_found_again_by_the_same_request():
    known = of(SimpleNamespace(changes=3), b"a")
    known.keep(b"a", "found", changes=3, until=inf)
    assert (known.find(b"a"), b"a" in known) == ("found", True)
    assert (known.find(b"b"), b"b" in known) == (None, False)


def test_what_was_found_holds_until_something_happens():
    lookup = SimpleNamespace(changes=3)
    known = of(lookup, b"a")
    known.keep(b"a", "found", changes=3, until=inf)
    lookup.changes = 4
    assert known.find(b"a") is None
    known.keep(b"a", "other", changes=4, until=inf)
    assert known.find(b"a") == "other"


def test_what_something_happened_to_while_it_was_looked_up_is_not_found_again():
    known = of(SimpleNamespace(changes=4), b"a")
    known.keep(b"a", "found", changes=3, until=inf)
    assert known.find(b"a") is None


def test_what_was_found_holds_until_its_time():
    known = of(SimpleNamespace(changes=0), b"a", b"b")
    known.keep(b"a", "found", changes=0, until=time.time() + 1000)
    known.keep(b"b", "found", changes=0, until=time.time())
    assert (known.find(b"a"), known.find(b"b")) == ("found", None)


def test_the_oldest_of_too_many_is_dropped():
    known = of(SimpleNamespace(changes=0))
    with patch.object(remembered, "MOST", 2):
        for each in (b"a", b"b", b"a", b"b", b"a", b"c", b"c"):
            known.keep(each, each.decode(), changes=0, until=inf)
    assert [each in known for each in (b"a", b"b", b"c")] == [True, False, True]


def digest(*headers: tuple[bytes, bytes], body: bytes = BODY, kind: bytes = FORM, header: str | None = None) -> Any:
    settings = SimpleNamespace(client_certificate_header=header, trusted_proxies="127.0.0.1")
    app = SimpleNamespace(resources=SimpleNamespace(settings=settings))
    scope: Scope = {"headers": [(b"content-type", kind), *headers], "app": app, "client": ("127.0.0.1", 1)}
    return oauth._sent(scope).digest(body)


def test_requests_that_say_the_same_are_the_same():
    basic = (b"authorization", b"Basic YTpi")
    assert digest() == digest((b"accept", b"*/*"))
    assert digest(basic) == digest(basic, (b"x-request-id", b"1"))


def test_requests_that_say_something_else_are_others():
    basic, empty = (b"authorization", b"Basic YTpi"), (b"authorization", b"")
    said = [
        digest(),
        digest(body=BODY + b"&"),
        digest(kind=FORM + b"; charset=utf-8"),
        digest(basic),
        digest(empty),
        digest((b"authorization", b"Basic YTpj")),
        digest(empty, body=b'[""]' + BODY),
    ]
    assert len({*said}) == len(said)
    assert None not in said


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"headers": [(b"dpop", b"proof")]}, id="a proof, which can be used once"),
        pytest.param({"headers": [(b"muniment-min-position", b"1")]}, id="a position that is waited for"),
        pytest.param({"headers": [(b"authorization", b"a"), (b"authorization", b"b")]}, id="two headers of a name"),
        pytest.param({"headers": [(b"cert", b"c")], "header": "cert"}, id="a certificate of the connection"),
        pytest.param({"body": b"a" * 5000}, id="more than clients send"),
    ],
)
def test_a_request_is_never_made_again_that_has(more: dict[str, Any]):
    assert digest(*more.pop("headers", ()), **more) is None


@pytest.mark.parametrize("happens", [False, True])
async def test_a_response_is_not_found_again_after_something_happened_while_its_caller_was_looked_up(
    happens: bool, monkeypatch: pytest.MonkeyPatch
):
    """The caller may have been disabled: then it was found as it had been before."""
    row = clients.project(None, STREAM, REGISTERED)
    assert row is not None

    async def standing(_: object) -> object:
        return row

    lookup = SimpleNamespace(changes=3, apis={}, standing=standing)
    claims = VerifiedClaims(**structs.asdict(CLAIMS.__replace__(client_id=CLIENT_ID, exp=int(time.time()) + 60)))

    async def authenticated(_: object) -> AuthenticatedClient:
        lookup.changes += happens
        return AuthenticatedClient(row=row, secret_id=SECRET.secret_id, method="client_secret_post")

    monkeypatch.setattr(introspect, "authenticate_confidential_client", authenticated)
    resources: Any = SimpleNamespace(
        lookup=lookup,
        tokens=SimpleNamespace(verify=lambda *_, **__: claims),
        ring=SimpleNamespace(until=lambda: inf),
        introspections=of(lookup, b"a"),
    )
    form = {"token": "t"}
    request = OAuthRequest(resources=resources, form=form, authorization=None, address="127.0.0.1", digest=b"a")
    response = await introspect.introspect(request)
    assert resources.introspections.find(b"a") == (None if happens else response)


def until(*, exp: int, expires: datetime | None = None, key: float = inf, by: UUID = SECRET.secret_id) -> float | None:
    row = clients.project(None, STREAM, REGISTERED)
    assert row is not None
    caller = row.__replace__(secrets=[SECRET.__replace__(expires_at=expires)])
    resources: Any = SimpleNamespace(ring=SimpleNamespace(until=lambda: key))
    proved = AuthenticatedClient(row=caller, secret_id=by, method="client_secret_post")
    return _until(resources, proved, VerifiedClaims(**structs.asdict(CLAIMS.__replace__(exp=exp))))


def test_a_response_holds_as_long_as_token_secret_and_key_do():
    at = int(LATER.timestamp())
    assert until(exp=at) == at + 5
    assert until(exp=at, expires=LATER) == at
    assert until(exp=at, key=at - 1) == at - 1


def test_a_response_to_who_did_not_authenticate_by_a_secret_is_not_kept():
    assert until(exp=1, by=STREAM) is None
