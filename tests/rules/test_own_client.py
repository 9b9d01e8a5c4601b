"""The console's own client is never given settings with which nobody could sign in."""

from typing import Any

import pytest

from events.client import AuthorizationCode, ClientEvent
from events.client_security import ClientSecurityChanged, Security
from service.commands.authority import RESERVED, Holder
from service.commands.client import RegisterClient
from service.commands.client_terms import ChangeClient
from service.commands.handle import CLIENT
from service.commands.own_client import LOCKED
from service.commands.security_change import SecurityChange
from service.refusals import Contradiction
from tests.rules.samples import AT, secret

OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset({"clients:write", "operate"}))
CONSOLE = RegisterClient(
    owner=RESERVED,
    grant=AuthorizationCode(),
    display_name="Muniment console",
    redirect_uris=("https://id.example.com/console/callback",),
    scopes=(),
    secret=secret(1),
    at=AT,
    by=OPERATOR,
    client_id="muniment-console",
)
CLOSING: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "security_profile": "fapi2",
    "tls_client_certificate_bound_access_tokens": True,
    "dpop_bound_access_tokens": True,
    "require_pushed_authorization_requests": True,
    "require_signed_request_object": True,
}


def _decided(change: SecurityChange, *before: ClientSecurityChanged, owner: str = RESERVED) -> list[ClientEvent]:
    registered = CLIENT.decide(CONSOLE.__replace__(owner=owner), CLIENT.state([]))
    return CLIENT.decide(ChangeClient(by=OPERATOR, security=change), CLIENT.state([*registered, *before]))


def test_every_setting_that_closes_the_console_is_tried():
    assert CLOSING.keys() == LOCKED.keys()


@pytest.mark.parametrize("setting", CLOSING)
def test_a_setting_with_which_nobody_could_sign_in_to_the_console_is_refused_by_name(setting: str):
    with pytest.raises(Contradiction, match=rf"nobody could sign in.*{LOCKED[setting]}"):
        _decided(SecurityChange(**{setting: CLOSING[setting]}))


def test_one_refusal_names_all_of_them():
    with pytest.raises(Contradiction) as refused:
        _decided(SecurityChange(**CLOSING))
    assert all(name in refused.value.detail for name in LOCKED.values())


def test_a_setting_that_was_given_before_can_be_taken_back_one_by_one():
    both = Security(dpop_bound_access_tokens=True, require_pushed_authorization_requests=True)
    given = ClientSecurityChanged(security=both, was=Security())
    after = Security(require_pushed_authorization_requests=True)
    change = SecurityChange(dpop_bound_access_tokens=False)
    assert _decided(change, given) == [ClientSecurityChanged(security=after, was=both)]


def test_other_settings_of_the_console_and_other_clients_change_as_before():
    assert _decided(SecurityChange(authorization_signed_response_alg="ES256"))
    assert _decided(SecurityChange(dpop_bound_access_tokens=True), owner="alice")
