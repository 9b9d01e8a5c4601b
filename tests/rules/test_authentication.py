"""Who is asking: in the header or in the body, on every endpoint alike, never both."""

import base64
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import clients
from projections.clients import Found
from service.grants.client_authentication import PresentedCredentials, parse_credentials, prove, why_not
from service.oauth.errors import InvalidClient, InvalidRequest, Refusal
from tests.rules.samples import AT, REGISTERED, STREAM, secret

ROW: Any = clients.TABLE.fold(STREAM, [REGISTERED])
FOUND = Found(client=ROW, bot_state=None)
BODY = {"client_id": "me", "client_secret": "mine"}


def basic(text: str | bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "form", "expected"),
    [
        pytest.param(None, BODY, ("me", "mine", "client_secret_post"), id="in the body"),
        pytest.param(
            None, {"client_id": "me"}, ("me", None, "none"), id="with its name alone, as a public client does"
        ),
        pytest.param(basic("me:mine"), {}, ("me", "mine", "client_secret_basic"), id="in the header"),
        pytest.param(basic("me:mine", "bAsIc"), {}, ("me", "mine", "client_secret_basic"), id="the scheme in any case"),
        pytest.param(basic("me:mi:ne"), {}, ("me", "mi:ne", "client_secret_basic"), id="a colon in the secret"),
        pytest.param(
            basic("m%65:mi%3Ane+%2B"),
            {},
            ("me", "mi:ne +", "client_secret_basic"),
            id="percent-encoded, as RFC 6749 has it",
        ),
        pytest.param(
            basic("me:"), {}, ("me", None, "none"), id="in the header, without a secret, as a public client does"
        ),
        pytest.param(basic("mé:gehéim"), {}, ("mé", "gehéim", "client_secret_basic"), id="UTF-8"),
        pytest.param(
            basic("me:mine"),
            {"client_id": "me"},
            ("me", "mine", "client_secret_basic"),
            id="the same client_id in the body too",
        ),
        pytest.param(basic("me:mine").replace(" ", "  "), {}, ("me", "mine", "client_secret_basic"), id="two spaces"),
    ],
)
def test_a_client_says_who_it_is(authorization, form, expected):
    given_ = parse_credentials(authorization, form)
    assert (given_.client_id, given_.client_secret, given_.method) == expected


@pytest.mark.parametrize(
    ("authorization", "form", "refusal"),
    [
        pytest.param(None, {}, InvalidClient, id="nobody"),
        pytest.param(None, {"client_secret": "mine"}, InvalidClient, id="no client_id"),
        pytest.param(basic("me:mine"), BODY, InvalidRequest, id="both at once"),
        pytest.param(
            basic("me:mine"), {"client_secret": "mine"}, InvalidRequest, id="both at once, without a client_id"
        ),
        pytest.param("Bearer token", BODY, InvalidRequest, id="a bearer token and a secret"),
        pytest.param("", BODY, InvalidRequest, id="an empty header and a secret"),
        pytest.param(basic("me:mine"), {"client_id": "you"}, InvalidRequest, id="another client_id in the body"),
        pytest.param("Bearer token", {}, InvalidClient, id="another scheme"),
        pytest.param("Basic", {}, InvalidClient, id="a scheme alone"),
        pytest.param("", {}, InvalidClient, id="an empty header"),
        pytest.param("Basic !!!", {}, InvalidClient, id="no base64"),
        pytest.param("Basic bWU6bWluZQ", {}, InvalidClient, id="base64 without its padding"),
        pytest.param("Basic bWU6bWlu\u00e9Q==", {}, InvalidClient, id="base64 with a letter outside ASCII"),
        pytest.param("Basic bWU6\nbWluZQ==", {}, InvalidClient, id="base64 with a line feed in it"),
        pytest.param(basic(b"me:\xff"), {}, InvalidClient, id="no UTF-8"),
        pytest.param(basic("memine"), {}, InvalidClient, id="no colon"),
        pytest.param(basic(":mine"), {}, InvalidClient, id="no name"),
        pytest.param(basic(""), {}, InvalidClient, id="nothing"),
    ],
)
def test_what_is_no_good_is_refused(authorization, form, refusal):
    with pytest.raises(refusal):
        parse_credentials(authorization, form)


@settings(max_examples=50)
@given(
    st.none() | st.text() | st.binary().map(basic),
    st.dictionaries(st.sampled_from(["client_id", "client_secret"]), st.text(min_size=1)),
)
def test_no_header_at_all_is_answered_with_anything_but_credentials_or_a_refusal(authorization, form):
    with suppress(Refusal):
        parse_credentials(authorization, form)


def test_what_is_presented_does_not_show_the_secret():
    assert "mine" not in f"{parse_credentials(None, BODY)} {parse_credentials(None, BODY)!r}"


MINE = PresentedCredentials(client_id="me", client_secret="secret", method="client_secret_post")
NAME_ALONE = PresentedCredentials(client_id="me", client_secret=None, method="none")


def found(bot_state: str | None = None, **changes: Any) -> Found:
    return Found(client=ROW.__replace__(**changes), bot_state=bot_state)


@pytest.mark.parametrize(
    ("client", "number"),
    [
        pytest.param(FOUND, 1, id="an active client"),
        pytest.param(found("active"), 1, id="whose bot is active"),
        pytest.param(found(secrets=(secret(3, expires_at=AT), secret(4))), 4, id="with a secret that has not expired"),
    ],
)
def test_a_client_proves_itself_with_its_secret(client, number):
    proved = prove(MINE, client, AT)
    assert proved is not None
    assert proved.secret_id.int == number


def test_a_public_client_has_nothing_to_prove_itself_with():
    assert prove(NAME_ALONE, found(public=True, secrets=()), AT) is None


@pytest.mark.parametrize(
    ("given_", "client"),
    [
        pytest.param(NAME_ALONE, None, id="an unknown client with its name alone"),
        pytest.param(NAME_ALONE, FOUND, id="a confidential client with its name alone"),
        pytest.param(NAME_ALONE, found(secrets=()), id="also when all its secrets were revoked"),
        pytest.param(NAME_ALONE, found(public=True, secrets=(), state="disabled"), id="a disabled public client"),
        pytest.param(NAME_ALONE, found("disabled", public=True, secrets=()), id="a public client of a disabled bot"),
        pytest.param(MINE, found(public=True, secrets=()), id="a public client with a secret, for it has none"),
        pytest.param(MINE.__replace__(client_secret=""), found(public=True, secrets=()), id="or with an empty secret"),
        pytest.param(MINE, None, id="an unknown client"),
        pytest.param(MINE.__replace__(client_secret="guess"), FOUND, id="a wrong secret"),
        pytest.param(MINE, found(state="disabled"), id="a disabled client"),
        pytest.param(MINE, found("disabled"), id="a disabled bot"),
        pytest.param(MINE, found("deleted"), id="a deleted bot"),
        pytest.param(MINE, found(secrets=()), id="a client without secrets"),
        pytest.param(MINE, found(secrets=(secret(1, expires_at=AT - timedelta(seconds=1)),)), id="an expired secret"),
    ],
)
def test_whoever_does_not_is_refused_in_the_same_words_whatever_the_reason(given_, client):
    with pytest.raises(InvalidClient) as caught:
        prove(given_, client, AT)
    assert caught.value.description == InvalidClient().description
    assert (caught.value.status, caught.value.error, dict(caught.value.headers)) == (401, "invalid_client", {})


GIVEN = PresentedCredentials(client_id=ROW.client_id, client_secret=None, method="none")
EXPIRED = secret(1, expires_at=AT - timedelta(seconds=1))
PUBLIC = Found(client=ROW.__replace__(public=True), bot_state=None)


@pytest.mark.parametrize(
    ("text", "found", "why"),
    [
        pytest.param("x", None, "unknown_client", id="nobody is called so"),
        pytest.param("x", FOUND, "wrong_secret", id="another secret"),
        pytest.param(MINE.client_secret, found(secrets=(EXPIRED,)), "expired_secret", id="one that was its own"),
        pytest.param(MINE.client_secret, found(secrets=(EXPIRED, secret(2))), None, id="a live one was not refused"),
        pytest.param(None, FOUND, "no_secret", id="a confidential client without one"),
        pytest.param(
            "x", Found(client=ROW, bot_state="disabled"), "client_stopped", id="a client whose bot is disabled"
        ),
        pytest.param("x", PUBLIC, "wrong_secret", id="a public client with one"),
        pytest.param(None, PUBLIC, None, id="a public client without one was not refused"),
    ],
)
def test_the_log_is_told_why_a_client_was_not_believed(text: str | None, found: Found | None, why: str | None):
    assert why_not(GIVEN.__replace__(client_secret=text), found, AT) == why
