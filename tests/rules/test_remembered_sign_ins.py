"""What a process remembers of sign-ins, and which requests may be decided from it."""

import asyncio
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.client import Login
from projections import consents, sessions, users
from projections.clients import Found
from projections.sign_ins import SignIn
from service.grants import validation
from service.grants.validation import FURTHER, plainly_valid, validated
from service.oauth import requests_alike
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import OWN, Redirected, checked
from service.oauth.errors import Shown
from service.oauth.redirects import SIGNED_MODES
from service.oauth.request_parameters import RequestParameters, parse
from service.oauth.requests_alike import RequestsAlike
from service.people import remembered_sign_ins
from service.people.remembered_sign_ins import MOST_CONSENTS, RememberedSignIns
from service.resources import Resources
from tests.rules.keyring import ISSUER
from tests.rules.samples import CONSENT_GIVEN, SESSION_STARTED, STREAM, USER_REGISTERED
from tests.rules.test_authentication import found
from tests.rules.test_authlib_login import CHALLENGE, URI

ROW: Any = sessions.project(None, STREAM, SESSION_STARTED)
CONSENT: Any = consents.project(None, STREAM, CONSENT_GIVEN)
USER: Any = users.project(None, STREAM, USER_REGISTERED)
FOUND = SignIn(position=7, session=ROW, user=USER, consents=())


def remembered(*cookies: str, epoch: int = 1) -> RememberedSignIns:
    found = RememberedSignIns()
    for cookie in cookies:
        found.keep(cookie, "client", FOUND, epoch)
    return found


def those_of(found: RememberedSignIns, *cookies: str, epoch: int = 1) -> list[bool]:
    return [found.get(cookie, "client", epoch) is FOUND for cookie in cookies]


def test_what_was_found_is_remembered_until_the_log_lost_history():
    found = remembered("a")
    assert those_of(found, "a", "b") == [True, False]
    assert found.get("a", "another client", 1) is None
    assert those_of(found, "a", epoch=2) == [False]
    found.keep("b", "client", FOUND, 2)
    assert those_of(found, "a", "b", epoch=2) == [False, True]


def test_what_authenticates_nobody_any_more_is_forgotten():
    found = remembered("a", "b", "c")
    found.keep("a", "client", FOUND.__replace__(session=ROW.__replace__(state="ended")), 1)
    found.keep("b", "client", None, 1)
    assert those_of(found, "a", "b", "c") == [False, False, True]


def test_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remembered_sign_ins, "MOST", 2)
    assert those_of(remembered("a", "b", "a", "c"), "a", "b", "c") == [True, False, True]


def test_a_cookie_is_not_kept():
    assert "the cookie" not in repr(vars(remembered("the cookie")))


class _Lookup:
    apis: ClassVar[dict[str, Any]] = {}


class _Settings:
    issuer, audience = ISSUER, ISSUER
    insecure_http_hosts: tuple[str, ...] = ()
    pkce_of_all = False


class _Resources:
    settings, lookup, requests_alike = _Settings(), _Lookup(), RequestsAlike()


def persons(*redirect_uris: str, version: int = 1) -> Found:
    return found(grant_type="authorization_code", redirect_uris=redirect_uris, login=Login(), version=version)


PERSONS = persons(URI)
RESOURCES = cast("Resources", _Resources())
USUAL = {
    "response_type": "code",
    "client_id": PERSONS.client.client_id,
    "redirect_uri": URI,
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
NAMES = st.sampled_from(
    [
        *USUAL,
        "state",
        "nonce",
        "prompt",
        "max_age",
        "claims",
        "response_mode",
        "registration",
        "dpop_jkt",
        "login_hint",
        "x",
    ]
)
VALUES = st.sampled_from(
    ["", *USUAL.values(), "query", "jwt", "none", "login none", "5", "a b", "ä", "plain", "{}", "\n"]
)


async def _nothing(*_: object) -> None: ...


def decided(pairs: list[tuple[str, str]]) -> AuthorizationRequest | None:
    params, twice = parse(urlencode(pairs).encode())
    try:
        request = asyncio.run(validated(RESOURCES, params, twice, PERSONS, "192.0.2.1"))[0]
    except (Shown, Redirected):
        return None
    return None if request.response_mode in SIGNED_MODES else request


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4), st.sets(NAMES, max_size=2))
def test_a_plain_request_is_as_valid_at_once_as_it_is_otherwise(more: list[tuple[str, str]], without: set[str]):
    pairs = [*((name, value) for name, value in USUAL.items() if name not in without), *more]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "utc_now", lambda: SESSION_STARTED.at)
        patch.setattr(validation, "record_refusal", _nothing)
        params, twice = parse(urlencode(pairs).encode())
        assert plainly_valid(RESOURCES, params, twice, PERSONS) == decided(pairs)


@given(st.dictionaries(st.sampled_from(sorted(OWN)), VALUES))
def test_what_is_remembered_of_requests_alike_says_the_same_of_each(own: dict[str, str]):
    pairs = [*({**USUAL, "prompt": "none", **own}).items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "utc_now", lambda: SESSION_STARTED.at)
        params, twice = parse(urlencode(pairs).encode())
        assert plainly_valid(RESOURCES, USUAL | {"prompt": "none"}, (), PERSONS) is not None
        assert plainly_valid(RESOURCES, params, twice, PERSONS) == decided(pairs)


def test_a_client_that_was_changed_is_checked_again():
    assert plainly_valid(RESOURCES, USUAL, (), PERSONS) is not None
    others = persons("https://other.example.com", version=2)
    assert plainly_valid(RESOURCES, USUAL, (), others) is None
    assert plainly_valid(RESOURCES, USUAL, (), PERSONS.__replace__(bot_state="disabled")) is None


def test_of_requests_alike_the_oldest_are_forgotten_and_the_longest_not_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(requests_alike, "MOST", 2)
    monkeypatch.setattr(requests_alike, "checked", lambda asked, _: checked_of.append(asked) or checked(asked, _))
    checked_of: list[object] = []
    none: dict[str, Any] = {}
    alike = RequestsAlike()
    for scope in ("openid", "email", "openid", "profile", "openid", "x" * 1000 + " openid", "x" * 1000 + " openid"):
        asked = RequestParameters(params={**USUAL, "scope": scope}, twice=(), issuer=ISSUER, now=1.0, apis=none)
        assert alike.checked(asked, PERSONS) == checked(asked, PERSONS)
    assert len(checked_of) == 6


OTHER = {
    "redirect_uri": "https://other.example.com",
    "scope": "openid email",
    "prompt": "login",
    "max_age": "5",
    "claims": '{"id_token":{"email":null}}',
    "ui_locales": "de",
    "acr_values": "1",
    "dpop_jkt": CHALLENGE,
    "response_mode": "fragment",
}


@pytest.mark.parametrize("name", sorted(OTHER))
def test_a_request_with_another_value_or_at_another_time_says_its_own(name: str):
    """Whether somebody logged in for a request is found by the time of it."""
    alike, client = RequestsAlike(), persons(URI, OTHER["redirect_uri"])
    apis: dict[str, Any] = {}
    for now, params in enumerate((USUAL, USUAL | {name: OTHER[name]}, USUAL, USUAL | {name: OTHER[name]})):
        asked = RequestParameters(params=params, twice=(), issuer=ISSUER, now=float(now), apis=apis)
        assert alike.checked(asked, client) == checked(asked, client)


def test_nothing_of_a_person_is_kept_of_requests_alike():
    alike, none = RequestsAlike(), dict[str, Any]()
    personal = dict.fromkeys(("state", "nonce", "login_hint", "email"), "ada@example.com")
    wanted = {"claims": '{"id_token":{"email":{"value":"ada@example.com"}}}'}
    for more in (personal, wanted):
        asked = RequestParameters(params=USUAL | more, twice=(), issuer=ISSUER, now=1.0, apis=none)
        assert alike.checked(asked, PERSONS) == alike.checked(asked, PERSONS) == checked(asked, PERSONS)
    assert "ada@example.com" not in repr(vars(alike))


def test_what_is_known_of_a_client_is_not_kept_by_requests_alike():
    alike, client = RequestsAlike(), persons(URI, "https://other.example.com")
    alike.checked(RequestParameters(params=USUAL, twice=(), issuer=ISSUER, now=1.0), client)
    assert "https://other.example.com" not in repr(vars(alike))


def test_after_the_log_lost_history_a_request_is_checked_again():
    """The lookup reads the APIs anew then, and the client's version may be of another change."""
    alike, apis = RequestsAlike(), (dict[str, Any](), dict[str, Any]())
    before, after = (RequestParameters(params=USUAL, twice=(), issuer=ISSUER, now=1.0, apis=each) for each in apis)
    assert alike.checked(before, PERSONS) == checked(before, PERSONS)
    with pytest.raises(Shown):
        alike.checked(after, persons("https://other.example.com"))


def test_more_consents_than_people_give_are_not_remembered():
    given = [CONSENT] * (MOST_CONSENTS + 1)
    known = remembered("few", "many")
    known.keep("few", "client", FOUND.__replace__(consents=given[1:]), 1)
    known.keep("many", "client", FOUND.__replace__(consents=given), 1)
    assert known.get("few", "client", 1) is not None
    assert known.get("many", "client", 1) is None


@pytest.mark.parametrize("name", sorted(FURTHER))
def test_what_depends_on_more_than_its_client_is_not_decided_at_once(name: str):
    assert plainly_valid(RESOURCES, USUAL, (), PERSONS) is not None
    assert plainly_valid(RESOURCES, {**USUAL, name: "x"}, (), PERSONS) is None


def test_nor_is_what_is_answered_by_a_signed_response():
    assert plainly_valid(RESOURCES, {**USUAL, "response_mode": "fragment"}, (), PERSONS) is not None
    assert plainly_valid(RESOURCES, {**USUAL, "response_mode": "fragment.jwt"}, (), PERSONS) is None


def test_nor_is_what_depends_on_a_bot():
    assert plainly_valid(RESOURCES, USUAL, (), PERSONS.__replace__(bot_state="active")) is None
