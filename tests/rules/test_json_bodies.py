"""The JSON of a request means the same, whether it is read the short way or the long way."""

import json
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from service.commands.authority import EVERYBODY
from service.endpoints import fields, registration, security_settings
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.fields import Fields
from service.problems import Invalid
from service.values import strict_json
from service.values.malformed import MALFORMED

NAMES = st.sampled_from(["m2m", "botUserId", "displayName", "redirectUri", "scopes", "jwks", "notAField", "m2m "])
TEXTS = st.text() | st.sampled_from(['":', '" :', "a\\", "{", "secret_Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\u200b"])
VALUES = st.recursive(
    TEXTS | st.booleans() | st.none() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
SPACES = st.sampled_from(["", " ", "\n", "\t", " \r\n"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Objects, also with names that are repeated, with each way of writing a text, and bytes that are no JSON."""
    pairs = draw(st.lists(st.tuples(NAMES | TEXTS, VALUES), max_size=4))
    escapes = draw(st.booleans())
    write = json.JSONEncoder(ensure_ascii=escapes).encode
    between = draw(SPACES)
    written = ",".join(f"{between}{write(name)}{between}:{between}{write(value)}" for name, value in pairs)
    return (
        draw(st.sampled_from(["{%s}", "{%s", "[%s]", "%s", "{%s}}", "﻿{%s}"]))
        .__mod__(written)
        .encode("utf-8", "surrogatepass")
    )


def read(body: bytes) -> tuple[object, list[str]]:
    repeated: list[str] = []
    try:
        return strict_json.decode(body, repeated.append), repeated
    except MALFORMED as fault:
        return type(fault), repeated


@given(bodies() | st.binary(max_size=40))
@example(b'{"a": "b", "a": "c"}')
@example(b'{"a": "\\":", "a": "c"}')
@example(b'{"a": " :", "a": ""}')
def test_an_object_without_escapes_is_what_the_strict_reader_makes_of_it(body: bytes) -> None:
    with patch.object(strict_json, "_plain", return_value=None):
        long_way = read(body)
    assert repr(read(body)) == repr(long_way)


def faults_and_values(body: bytes) -> object:
    try:
        found = Fields(CreateOAuthClientRequest, "application/json", body)
        return found.errors, repr(found.done())
    except Invalid as refused:
        return refused.detail, refused.errors


@given(bodies())
@example(b'{"m2m": true, "botUserId": "bot-1", "displayName": "Support"}')
@example(b'{"m2m": true, "botUserId": "secret_Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}')
@example(b'{"m2m": "yes", "scopes": ["a", 1]}')
def test_one_look_at_a_plain_body_finds_what_a_look_at_each_field_finds(body: bytes) -> None:
    with patch.object(fields, "_is_plain", return_value=False):
        each_field = faults_and_values(body)
    assert faults_and_values(body) == each_field


def test_a_registration_that_says_nothing_of_security_has_the_settings_that_the_whole_way_gives() -> None:
    plain = CreateOAuthClientRequest(m2m=True, bot_user_id="bot-1")
    assert security_settings.registered(plain) == security_settings.change(plain).after(security_settings.Security())


def test_a_registration_with_the_fields_of_every_client_is_prepared_alike_if_the_others_are_read() -> None:
    body = b'{"m2m": true, "botUserId": "bot-1", "displayName": "Support", "secretName": "main", "scopes": ["a"], "apis": null}'
    found = Fields(CreateOAuthClientRequest, "application/json", body)
    assert registration.is_usual(found)
    short, long = (
        registration.prepared(found.done(), owner="ada", by=EVERYBODY, usual=usual).command for usual in (True, False)
    )
    assert short.secret
    assert short == long.__replace__(secret=short.secret, at=short.at)


def test_a_registration_that_names_one_setting_has_it() -> None:
    asked = CreateOAuthClientRequest(m2m=True, bot_user_id="bot-1", dpop_bound_access_tokens=True)
    assert security_settings.registered(asked).dpop_bound_access_tokens
