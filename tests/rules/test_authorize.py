"""The rules of an authorization before anybody is asked: which redirect URI matches, what comes next, what a code looks like."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.crypto import opaque_tokens
from service.oauth.authorization_request import LIFETIME_SECONDS, AuthorizationRequest, NoRequest, Requests, begun_again
from service.oauth.interaction import (
    FELL_SHORT,
    AskConsent,
    ChooseAccount,
    IssueCode,
    Present,
    Refuse,
    SignIn,
    asks_every_time,
    following,
)
from service.oauth.parameters import is_resource, max_age
from service.oauth.redirect_match import differences, matches
from service.oauth.redirects import allowed, refused
from service.values.scopes import ACRS
from tests.rules.test_authentication import found as client

NOW = 1_800_000_000.0
USER, SESSION = UUID(int=1), UUID(int=2)
REQUEST = AuthorizationRequest(client_id="c", redirect_uri="https://app.example.com/cb", asked_at=NOW, state="s")
ISSUER = "https://id.example.com"
ONE_FACTOR, TWO_FACTORS = ACRS


def present(seconds_ago: float) -> Present:
    at = datetime.fromtimestamp(NOW - seconds_ago, UTC)
    return Present(user=USER, session=SESSION, authenticated_at=at, acr=ONE_FACTOR)


def step(seconds_ago: float | None = 10, *, consented: bool = True, now: float = NOW, **changes: Any):
    there = None if seconds_ago is None else present(seconds_ago)
    return following(REQUEST.__replace__(**changes), there, consented=consented, now=now)


NONE, LOGIN, CONSENT, SELECT = (("none",), ("login",), ("consent",), ("select_account",))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(step(None), SignIn(), id="nobody is there"),
        pytest.param(step(), IssueCode(present(10)), id="somebody is there who allowed it"),
        pytest.param(step(consented=False), AskConsent(), id="somebody is there who did not"),
        pytest.param(step(prompts=LOGIN), SignIn(), id="a login from before prompt=login"),
        pytest.param(step(-5, prompts=LOGIN, now=NOW + 6), IssueCode(present(-5)), id="a login since prompt=login"),
        pytest.param(step(max_age=10), IssueCode(present(10)), id="a login just as old as max_age"),
        pytest.param(step(11, max_age=10), SignIn(), id="a login older than max_age"),
        pytest.param(
            step(-5, max_age=0, now=NOW + 60), IssueCode(present(-5)), id="max_age=0 and a login on the way here"
        ),
        pytest.param(step(wanted_sub=str(USER)), IssueCode(present(10)), id="the one who was asked for"),
        pytest.param(step(wanted_sub="another"), SignIn(), id="not the one who was asked for"),
        pytest.param(step(prompts=SELECT), ChooseAccount(), id="which account is not said"),
        pytest.param(step(prompts=SELECT, chosen=SESSION), IssueCode(present(10)), id="which account is said"),
        pytest.param(step(prompts=SELECT, chosen=UUID(int=9)), ChooseAccount(), id="it was said in another session"),
        pytest.param(step(prompts=CONSENT), AskConsent(), id="allowed before, and asked again"),
        pytest.param(step(acr_values=(TWO_FACTORS,)), IssueCode(present(10)), id="an acr that would be nice"),
        pytest.param(step(essential_acrs=ACRS), IssueCode(present(10)), id="an acr that is essential, and is there"),
        pytest.param(step(essential_acrs=(TWO_FACTORS,)), SignIn(), id="an essential acr that a login may reach"),
        pytest.param(step(-5, essential_acrs=(TWO_FACTORS,)), FELL_SHORT, id="an essential acr that the login missed"),
        pytest.param(step(essential_acrs=("of another",)), FELL_SHORT, id="an essential acr that nobody reaches here"),
    ],
)
def test_what_comes_next(found, expected):
    assert found == expected


def test_consent_that_was_given_again_counts_in_the_session_that_gave_it():
    again = REQUEST.__replace__(prompts=CONSENT, consented=SESSION)
    assert following(again, present(10), consented=True, now=NOW) == IssueCode(present(10))
    elsewhere = REQUEST.__replace__(prompts=CONSENT, consented=UUID(int=9))
    assert following(elsewhere, present(10), consented=True, now=NOW) == AskConsent()


@pytest.mark.parametrize(
    ("public", "uri", "each_time"),
    [
        pytest.param(True, "http://127.0.0.1:49152/cb", True, id="a public client on loopback"),
        pytest.param(True, "com.example.app:/cb", True, id="a public client with a scheme of its own"),
        pytest.param(True, "https://app.example.com/cb", False, id="a public client at an https address"),
        pytest.param(False, "http://127.0.0.1/cb", False, id="a client that proves itself when it redeems the code"),
    ],
)
def test_a_client_that_any_program_can_pose_as_asks_for_consent_each_time(public: bool, uri: str, each_time: bool):
    asked = REQUEST.__replace__(redirect_uri=uri)
    every_time = asks_every_time(asked, client(public=public))
    assert every_time is each_time

    def next_step(**changes: Any):
        changed = asked.__replace__(**changes)
        return following(changed, present(10), consented=True, now=NOW, every_time=every_time)

    assert next_step() == (AskConsent() if each_time else IssueCode(present(10)))
    assert next_step(consented=SESSION) == IssueCode(present(10))
    silent = next_step(prompts=NONE)
    assert isinstance(silent, Refuse) == each_time
    assert not isinstance(silent, Refuse) or silent.error == "consent_required"


@pytest.mark.parametrize(
    ("found", "error"),
    [
        pytest.param(step(None, prompts=NONE), "login_required", id="nobody is there"),
        pytest.param(step(11, prompts=NONE, max_age=10), "login_required", id="too long ago"),
        pytest.param(step(prompts=NONE, wanted_sub="another"), "login_required", id="somebody else"),
        pytest.param(step(prompts=NONE, consented=False), "consent_required", id="not allowed"),
        pytest.param(step(prompts=NONE, essential_acrs=(TWO_FACTORS,)), "login_required", id="not surely enough"),
    ],
)
def test_in_silence_it_is_an_error(found, error: str):
    assert isinstance(found, Refuse)
    assert found.error == error


REGISTERED = (
    "https://app.example.com/cb",
    "http://127.0.0.1/cb",
    "http://[::1]:80/cb",
    "http://localhost",
    "com.example.app:/cb",
)


@pytest.mark.parametrize("uri", [*REGISTERED, "http://127.0.0.1:5000/cb", "http://[::1]:5000/cb", "http://localhost:1"])
def test_a_redirect_uri_matches(uri: str):
    assert matches(uri, REGISTERED)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com:443/cb",
        "https://app.example.com/CB",
        "https://app.example.com/cb/../cb",
        "https://app.example.com/cb?",
        "http://127.0.0.1:5000/cb?x",
        "http://u@127.0.0.1:5000/cb",
        "https://127.0.0.1:5000/cb",
        "http://127.0.0.2:5000/cb",
        "http://localhost:5000/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:5000/cb#",
        "http://127.0.0.1:5000/cb?",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:5000/c\tb",
        "http://127.0.0.1:5000/cb\n",
        " http://127.0.0.1:5000/cb",
        "HTTP://127.0.0.1:5000/cb",
        "http://localhost:1.evil.example",
        "http://localhost@evil.example",
        "com.example.app:/cb2",
        "",
    ],
)
def test_a_redirect_uri_does_not_match(uri: str):
    assert not matches(uri, REGISTERED)
    assert differences(uri, REGISTERED)


def test_of_a_loopback_redirect_uri_the_port_is_not_what_differs():
    assert differences("http://127.0.0.1:5000/cb#", REGISTERED) == ("spelling",)


@given(st.text(max_size=60))
def test_whatever_the_redirect_uri_is_its_differences_name_parts_alone(uri: str):
    known = {"scheme", "host", "port", "path", "query", "fragment", "spelling", "form"}
    assert uri in REGISTERED or set(differences(uri, REGISTERED)) <= known


@given(st.uuids(), st.sampled_from([opaque_tokens.CODE, opaque_tokens.REFRESH_TOKEN]))
def test_a_code_or_refresh_token_names_its_authorization_and_is_read_as_nothing_else(authorization: UUID, kind: str):
    text = opaque_tokens.make(kind, authorization).reveal()
    opaque = opaque_tokens.parsed(kind, text)
    assert opaque is not None
    assert opaque.authorization == authorization
    other = opaque_tokens.CODE if kind == opaque_tokens.REFRESH_TOKEN else opaque_tokens.REFRESH_TOKEN
    assert opaque_tokens.parsed(other, text) is None
    assert opaque_tokens.parsed(kind, text[:-1]) is None


@given(st.text(max_size=100))
def test_no_text_makes_the_reading_of_a_code_fail(text: str):
    assert opaque_tokens.parsed(opaque_tokens.CODE, opaque_tokens.CODE + text) is None or len(text) == 64


def test_a_sealed_request_is_read_back_for_an_hour_and_by_nobody_else(monkeypatch: pytest.MonkeyPatch):
    ours, others = Requests(b"k" * 32), Requests(b"o" * 32)
    text = ours.close(REQUEST)
    monkeypatch.setattr("service.oauth.authorization_request.time.time", lambda: NOW + LIFETIME_SECONDS)
    assert ours.open(text) == REQUEST
    with pytest.raises(NoRequest):
        others.open(text)
    monkeypatch.setattr("service.oauth.authorization_request.time.time", lambda: NOW + LIFETIME_SECONDS + 1)
    with pytest.raises(NoRequest, match="an hour") as caught:
        ours.open(text)
    assert caught.value.expired == REQUEST


def test_an_expired_request_is_begun_again_without_what_the_person_said_before():
    answered = REQUEST.__replace__(asked_at=NOW - 4000, chosen=SESSION, consented=SESSION)
    assert begun_again(answered, NOW) == REQUEST


@given(st.text(max_size=200))
def test_no_text_makes_the_opening_of_a_request_fail_otherwise(text: str):
    with pytest.raises(NoRequest):
        Requests(b"k" * 32).open(text)


def test_every_answer_says_who_gives_it_and_gives_the_state_back():
    assert allowed(REQUEST, ISSUER, "code_x").params == {"code": "code_x", "state": "s", "iss": ISSUER}
    said = refused(REQUEST, ISSUER, "access_denied", 'No "thanks".')
    assert said.params == {
        "error": "access_denied",
        "error_description": "No ?thanks?.",
        "state": "s",
        "iss": ISSUER,
    }
    assert "code_x" not in repr(allowed(REQUEST, ISSUER, "code_x"))


@pytest.mark.parametrize(
    ("mode", "location"),
    [
        ("query", "https://app.example.com/cb?tenant=7&code=code_x&state=s&iss=https%3A%2F%2Fid.example.com"),
        ("fragment", "https://app.example.com/cb?tenant=7#code=code_x&state=s&iss=https%3A%2F%2Fid.example.com"),
    ],
)
def test_an_answer_is_in_the_query_or_the_fragment_as_the_client_asked(mode: str, location: str):
    asked = REQUEST.__replace__(redirect_uri="https://app.example.com/cb?tenant=7", response_mode=mode)
    assert allowed(asked, ISSUER, "code_x").location == location


@given(st.text(), st.text())
def test_an_answer_is_encoded_as_a_form_and_fits_a_header(state: str, issuer: str):
    there = allowed(
        REQUEST.__replace__(redirect_uri="https://app.example.com/a\u00e9 b\r\n", state=state), issuer, "c~_-."
    )
    answer = urlencode({"code": "c~_-.", "state": state, "iss": issuer})
    assert there.location == f"https://app.example.com/a%C3%A9%20b%0D%0A?{answer}"


def test_a_claim_that_is_asked_for_singly_takes_the_same_yes_as_its_scope():
    singly = REQUEST.__replace__(scopes=("openid",), id_token_claims=("email",), userinfo_claims=("given_name",))
    assert set(singly.to_allow) == {"openid", "profile", "email"}
    assert REQUEST.__replace__(scopes=("openid", "email"), userinfo_claims=("email_verified",)).to_allow == (
        "openid",
        "email",
    )


@pytest.mark.parametrize("uri", ["https://api.example.com", "https://api.example.com/v1?x=1", "http://127.0.0.1:8000"])
def test_a_resource_is_an_absolute_uri(uri: str):
    assert is_resource(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/api",
        "urn:x:y",
        "api.example.com",
        "https://",
        "https:///v1",
        "https://[",
        "https://api.example.com[::1]",
        "http://api.example.com",
        "https://api.example.com#",
        "https://api.example.com/a b",
        "https://api.example.com/\u00fc",
    ],
)
def test_a_resource_is_nothing_else(uri: str):
    assert not is_resource(uri)


@pytest.mark.parametrize(
    ("asked", "usual", "counts"),
    [({}, None, None), ({}, 0, 0), ({}, 60, 60), ({"max_age": "600"}, 60, 600), ({"max_age": "0"}, 60, 0)],
)
def test_a_request_without_max_age_has_the_client_s(asked: dict[str, str], usual: int | None, counts: int | None):
    assert max_age(asked, usual) == counts
