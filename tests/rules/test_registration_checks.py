"""A registration that has only fields of every client is checked for less, and says the same."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from service.configuration.settings import read_settings
from service.endpoints import client_settings, registration
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.fields import Fields
from service.endpoints.registration import OF_EVERY_CLIENT

TEXT = st.sampled_from(
    ["", "x", " x", "muniment", "bot-1", "a,b", "openid", "secret_1", "https://a.example/cb", "none"]
)
VALUE = st.none() | st.booleans() | st.integers(0, 3) | TEXT | st.lists(TEXT, max_size=2)
GRANTS = st.lists(st.fixed_dictionaries({"identifier": TEXT, "scopes": st.lists(TEXT, max_size=2)}), max_size=2)
BODY = st.fixed_dictionaries(
    {"m2m": st.booleans() | VALUE},
    optional=dict.fromkeys(sorted(OF_EVERY_CLIENT - {"m2m"}), VALUE | GRANTS),
)


@given(body=BODY)
def test_no_rule_about_another_field_has_anything_to_say_of_them(body: dict[str, Any]):
    settings = read_settings({})
    one, other = (Fields(CreateOAuthClientRequest, "application/json", json.encode(body)) for _ in range(2))
    client_settings.check_scopes(one)
    registration.check_others(other, settings)
    assert other.errors == one.errors
