"""A client that registered itself: what it says about itself changes by its own command, and survives a deletion."""

import pytest

from events.client import ClientDisplayNameChanged
from events.client_registration import ClientAboutChanged
from events.client_security import ClientSecurityChanged, Security
from projections import client_history, clients
from service.commands.authority import SELF_REGISTERED, Holder, is_reserved
from service.commands.client import ChangeClient, ReplaceMetadata
from service.commands.handle import CLIENT
from service.commands.security_change import SecurityChange
from service.oauth.client_metadata import Policy, client_metadata
from service.refusals import NotPermitted
from service.use_cases import self_registration
from tests.rules.samples import ABOUT, ABOUT_CHANGED, PUBLIC_REGISTERED, REGISTERED_ITSELF, REGISTRATION, STREAM
from tests.rules.table import outcome, rule

ITSELF = Holder(owner=SELF_REGISTERED, sub="", scopes=frozenset({"api:public"}))
ALICE = Holder(owner="alice", sub="alice", scopes=frozenset({"api:public"}))
REPLACE = ReplaceMetadata(change=ChangeClient(by=ITSELF), about=ABOUT_CHANGED.about)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([REGISTERED_ITSELF], REPLACE, [ABOUT_CHANGED], "it may say something else about itself"),
        rule([REGISTERED_ITSELF, ABOUT_CHANGED], REPLACE, [], "to say the same again changes nothing"),
        rule(
            [PUBLIC_REGISTERED],
            REPLACE.__replace__(change=ChangeClient(by=ALICE)),
            [],
            "a client that somebody registered says nothing about itself",
        ),
        rule(
            [REGISTERED_ITSELF],
            REPLACE.__replace__(change=ChangeClient(by=ITSELF, display_name="CRM"), about=ABOUT),
            [ClientDisplayNameChanged(display_name="CRM", was=None)],
            "its settings change with it",
        ),
        rule(
            [REGISTERED_ITSELF],
            REPLACE.__replace__(change=ChangeClient(by=ITSELF, scopes=("clients:write",))),
            NotPermitted,
            "it gives itself no scope that it may not have",
        ),
    ],
)
def test_a_client_that_registered_itself(given, command, then):
    assert outcome(CLIENT, given, command) == then


def test_its_row_has_what_it_says_and_its_history_has_no_hash():
    row = clients.project(None, STREAM, REGISTERED_ITSELF)
    assert row is not None
    assert row.registration == REGISTRATION
    changed = clients.project(row, STREAM, ABOUT_CHANGED)
    assert changed is not None
    assert changed.registration == REGISTRATION.__replace__(about=ABOUT_CHANGED.about)
    kept = client_history.keep(changed).registration
    assert kept == REGISTRATION.__replace__(about=ABOUT_CHANGED.about, token_hash="")


@pytest.mark.parametrize("name", [SELF_REGISTERED, " Muniment-Dynamic ", "MUNIMENT"])
def test_nobody_has_the_name_of_its_owner(name):
    assert is_reserved(name)


def test_an_event_for_a_client_without_registration_is_no_error():
    row = clients.project(None, STREAM, PUBLIC_REGISTERED)
    assert row is not None
    after = clients.project(row, STREAM, ClientAboutChanged(about=ABOUT, was=ABOUT))
    assert after is not None
    assert after.registration is None


STRICT = Security(
    dpop_bound_access_tokens=True,
    require_pushed_authorization_requests=True,
    require_signed_request_object=True,
    request_object_signing_alg="ES256",
    device_grant=True,
)
LOOSE = SecurityChange(
    dpop_bound_access_tokens=False,
    require_pushed_authorization_requests=False,
    require_signed_request_object=False,
    request_object_signing_alg=None,
)


def demanded(security: Security) -> ClientSecurityChanged:
    return ClientSecurityChanged(security=security, was=Security())


@pytest.mark.parametrize("name", LOOSE.__struct_fields__)
def test_it_cannot_turn_off_what_an_operator_demanded_of_it(name):
    security = Security().__replace__(**{name: getattr(STRICT, name)})
    command = REPLACE.__replace__(change=ChangeClient(by=ITSELF, security=LOOSE), about=ABOUT)
    assert outcome(CLIENT, [REGISTERED_ITSELF, demanded(security)], command) == []


def test_it_may_demand_more_of_itself():
    more = SecurityChange(dpop_bound_access_tokens=True, request_object_signing_alg=None)
    before, after = (
        Security(require_signed_request_object=True),
        Security(require_signed_request_object=True, dpop_bound_access_tokens=True),
    )
    command = REPLACE.__replace__(change=ChangeClient(by=ITSELF, security=more), about=ABOUT)
    changed = [ClientSecurityChanged(security=after, was=before)]
    assert outcome(CLIENT, [REGISTERED_ITSELF, demanded(before)], command) == changed


def test_what_a_client_says_of_itself_leaves_its_device_grant_as_it_is():
    metadata = client_metadata(
        {"redirect_uris": ["https://app.example.com/cb"]}, Policy(issuer="https://id.example.com")
    )
    assert self_registration._security(metadata).after(STRICT).device_grant
