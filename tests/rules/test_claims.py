"""What the parameter `claims` may ask for (OpenID Connect Core 1.0 section 5.5)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.oauth import claims
from service.oauth.errors import InvalidRequest


def test_claims_that_are_asked_for_singly_are_those_that_there_are():
    text = (
        '{"id_token": {"email": null, "sub": {"value": "x"}, "hat": null}, "userinfo": {"name": {"essential": true}}}'
    )
    assert claims.wanted(text) == claims.Wanted(id_token=("email",), userinfo=("name",), sub="x")
    assert claims.wanted(None) == claims.Wanted()
    assert claims.wanted('{"userinfo": {"sub": {"value": "x"}}}').sub == "x"


def test_an_acr_that_is_essential_is_the_only_one_that_will_do():
    one, two = '"value": "a"', '"values": ["b", "c"]'
    assert claims.wanted(f'{{"id_token": {{"acr": {{"essential": true, {one}, {two}}}}}}}').acrs == ("a", "b", "c")
    assert claims.wanted(f'{{"id_token": {{"acr": {{{two}}}}}}}').acrs == ()
    assert claims.wanted('{"id_token": {"acr": null}}').acrs == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"id_token": {"sub": {"value": "x"}}, "userinfo": {"sub": {"value": "y"}}}',
        '{"id_token": {"sub": {"value": 7}}}',
        '{"id_token": {"acr": {"essential": true, "values": "a"}}}',
    ],
)
def test_claims_that_cannot_be_met_are_refused(text: str):
    with pytest.raises(InvalidRequest, match="claims"):
        claims.wanted(text)


@pytest.mark.parametrize(
    "opened", ['{"id_token":', "[", '{"id_token":{"email":', '{"x":', '{"userinfo":{"sub":{"value":']
)
@pytest.mark.parametrize("times", [300, 1000, 3000, 100_000])
def test_claims_nested_in_each_other_are_refused(opened: str, times: int):
    closed = "".join("}" if mark == "{" else "]" for mark in opened if mark in "{[")
    with pytest.raises(InvalidRequest, match="claims"):
        claims.wanted(opened * times)
    with suppress(InvalidRequest):  # as many as a decoder takes may well be in what nobody asks for
        claims.wanted(opened * times + "null" + closed * times)


@given(st.text(max_size=50).filter(lambda text: not text.strip().startswith("{")))
def test_what_is_no_json_object_is_no_claims(text: str):
    with pytest.raises(InvalidRequest, match="claims"):
        claims.wanted(text)
