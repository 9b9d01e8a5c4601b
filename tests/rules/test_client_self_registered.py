"""A client that registered itself: what it says about itself changes by its own command, and survives a deletion."""

import pytest

from events.client import ClientDisplayNameChanged
from events.client_registration import ClientAboutChanged
from projections import client_history, clients
from service.commands.authority import SELF_REGISTERED, Holder, is_reserved
from service.commands.client import ChangeClient, ReplaceMetadata
from service.commands.handle import CLIENT
from service.refusals import NotPermitted
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
