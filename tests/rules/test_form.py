"""The body of an OAuth request is read strictly."""

from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.oauth.errors import InvalidRequest, Refusal
from service.oauth.form import FORM, MOST_PARAMETERS, Form, pairs_of, parse


@pytest.mark.parametrize(
    ("body", "form"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"a=1&b=2", {"a": "1", "b": "2"}, id="two parameters"),
        pytest.param(b"a=1+2%2B3%20", {"a": "1 2+3 "}, id="percent and plus"),
        pytest.param(b"a=&b=2", {"b": "2"}, id="an empty value is as one left out"),
        pytest.param(b"a&b=2&", {"b": "2"}, id="so is a name alone"),
        pytest.param(b"a=b=c", {"a": "b=c"}, id="an equals sign in a value"),
        pytest.param(b"a=1;b=2", {"a": "1;b=2"}, id="a semicolon separates nothing"),
        pytest.param(b"a=%", {"a": "%"}, id="a lone percent sign"),
        pytest.param(b"a=1&a[]=2", {"a": "1", "a[]": "2"}, id="brackets mean nothing"),
    ],
)
def test_a_body_is_its_parameters(body, form):
    assert parse(FORM, body) == form


@pytest.mark.parametrize(
    "content_type",
    [FORM, f"{FORM};charset=utf-8", f"{FORM.upper()} ; charset=UTF-8", f" {FORM}"],
)
def test_these_are_forms(content_type):
    assert parse(content_type, b"a=1") == {"a": "1"}


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data; boundary=x", "text/plain", FORM + "x", "x" + FORM]
)
def test_another_content_type_is_refused_and_told_which_one_it_should_be(content_type):
    with pytest.raises(InvalidRequest, match=FORM):
        parse(content_type, b"a=1")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"a=1&a=2", "more than once: a.", id="twice"),
        pytest.param(b"a=1&a=1", "more than once: a.", id="twice the same"),
        pytest.param(b"a=1&a=", "more than once: a.", id="twice, once empty"),
        pytest.param(b"a=1&%61=2", "more than once: a.", id="twice, once percent-encoded"),
        pytest.param(b"b=1&b=2&a=1&a=2&c=1", "more than once: a, b.", id="two names twice"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(10_000)), "more than 50", id="ten thousand"),
        pytest.param(b"&".join([b"a=1"] * 10_000), "more than 50", id="ten thousand of one name"),
        pytest.param(b"&" * 10_000 + b"a=1", "more than 50", id="ten thousand separators"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(MOST_PARAMETERS + 1)), "more than 50", id="one too many"),
        pytest.param(b"a=\x00", "not printable ASCII: a.", id="NUL"),
        pytest.param(b"a=%00", "not printable ASCII: a.", id="NUL, percent-encoded"),
        pytest.param(b"a=%0a", "not printable ASCII: a.", id="a line feed"),
        pytest.param(b"a=%7f", "not printable ASCII: a.", id="DEL"),
        pytest.param("a=é".encode(), "not printable ASCII: a.", id="not ASCII"),
        pytest.param(b"a=%C3%A9", "not printable ASCII: a.", id="not ASCII, percent-encoded"),
        pytest.param("é=1".encode(), "not printable ASCII: ", id="a name that is not ASCII"),
        pytest.param(b"a=\xff", "not UTF-8", id="not UTF-8"),
        pytest.param(b"a=%ff", "not UTF-8", id="not UTF-8, percent-encoded"),
        pytest.param(b"a=%ED%A0%80", "not UTF-8", id="a lone surrogate"),
        pytest.param(b"a=%C0%80", "not UTF-8", id="an overlong NUL"),
    ],
)
def test_what_is_odd_is_refused(body, said):
    with pytest.raises(InvalidRequest) as caught:
        parse(FORM, body)
    assert said in str(caught.value)
    assert caught.value.status == 400
    assert caught.value.description.isascii()


def test_resources_and_audiences_may_come_several_times_and_nothing_else():
    several = parse(FORM, b"resource=a&audience=x&resource=b&scope=c&resource=&audience=y")
    assert several == {"resource": "a b", "audience": "x y", "scope": "c"}
    with pytest.raises(InvalidRequest, match="more than once: scope"):
        parse(FORM, b"resource=a&resource=b&scope=c&scope=d")


def test_as_many_as_may_be_are_read():
    assert len(parse(FORM, b"&".join(b"a%d=1" % n for n in range(MOST_PARAMETERS)))) == MOST_PARAMETERS


@given(st.binary())
def test_no_bytes_at_all_are_answered_with_anything_but_a_form_or_a_refusal(body):
    outcome = outcome_of(body)
    if isinstance(outcome, Refusal):
        assert all(" " <= character <= "~" and character not in '"\\' for character in outcome.description)
    else:
        assert all(text.isascii() and text.isprintable() and text for text in outcome.values())


def outcome_of(body: bytes) -> Form | Refusal:
    try:
        return parse(FORM, body)
    except Refusal as refusal:
        return refusal


@given(st.text(st.sampled_from("a=&+%2fF3é;\0\x7f ~")))
def test_a_body_is_refused_if_any_of_its_parameters_is_not_printable(text: str):
    try:
        pairs = pairs_of(text)
    except UnicodeDecodeError:
        return
    is_printable = all(part.isascii() and part.isprintable() for pair in pairs for part in pair)
    outcome = outcome_of(text.encode())
    assert is_printable or isinstance(outcome, Refusal)
    assert not (is_printable and "printable" in str(outcome))


ENCODED = st.text(st.sampled_from("a=&+%2fF3é;\0 "))


@given(ENCODED | ENCODED.map("redirect_uri={0}&redirect_uri={0}".format) | st.text())
def test_the_pairs_are_those_of_urllib(text: str):
    assert split_by(pairs_of, text) == split_by(lambda t: parse_qsl(t, keep_blank_values=True, errors="strict"), text)


def split_by(split: Callable[[str], Sequence[tuple[str, str]]], text: str) -> Sequence[tuple[str, str]] | None:
    try:
        return split(text)
    except UnicodeDecodeError:
        return None
