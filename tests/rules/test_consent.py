"""What a person may allow a client, and what comes of it."""

from uuid import RFC_4122, UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.consent import Consented, NoConsent, evolve, stream_of
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.handle import CONSENT
from tests.rules.samples import AT, CLIENT_ID, CONSENT_GIVEN, CONSENT_TO_US, CONSENT_WITHDRAWN, LATER, PERSON
from tests.rules.table import outcome, rule

GIVE = GiveConsent(
    user=PERSON, client_id=CLIENT_ID, resource="https://crm.example.com", scopes=("openid", "crm:read"), at=AT
)
WITHDRAW = WithdrawConsent(at=LATER)


def give(*scopes: str) -> GiveConsent:
    return GIVE.__replace__(scopes=scopes)


def gave(*scopes: str):
    return CONSENT_GIVEN.__replace__(scopes=scopes)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], GIVE, [CONSENT_GIVEN], "a person allows a client something"),
        rule([], GIVE.__replace__(resource=None), [CONSENT_TO_US], "of the server's own"),
        rule([], give(), [gave()], "or nothing in particular, which is remembered too"),
        rule([], give("openid", "openid"), [gave("openid")], "a scope is allowed once"),
        rule([CONSENT_GIVEN], GIVE, [], "allowing the same again changes nothing"),
        rule([CONSENT_GIVEN], give("crm:read", "openid"), [], "in whatever order"),
        rule([CONSENT_GIVEN], give("crm:read"), [], "allowing less takes nothing back"),
        rule([CONSENT_GIVEN], give(), [], "nor does allowing nothing"),
        rule([gave()], give(), [], "nothing in particular is allowed once"),
        rule(
            [CONSENT_GIVEN],
            give("crm:write", "openid"),
            [gave("openid", "crm:read", "crm:write")],
            "what is allowed later comes on top",
        ),
        rule([CONSENT_GIVEN], WITHDRAW, [CONSENT_WITHDRAWN], "all of it can be taken back"),
        rule([], WITHDRAW, [], "what was never given is not taken back"),
        rule([CONSENT_GIVEN, CONSENT_WITHDRAWN], WITHDRAW, [], "nor is it twice"),
        rule([CONSENT_GIVEN, CONSENT_WITHDRAWN], GIVE, [CONSENT_GIVEN], "and all of it can be given again"),
        rule(
            [CONSENT_GIVEN, CONSENT_WITHDRAWN],
            give("email"),
            [gave("email")],
            "without what had been allowed before it was taken back",
        ),
    ],
)
def test_a_consent(given, command, then):
    assert outcome(CONSENT, given, command) == then


@pytest.mark.parametrize("event", [CONSENT_GIVEN, CONSENT_WITHDRAWN], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("state", [NoConsent(), Consented(scopes=("openid",))], ids=lambda s: type(s).__name__)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert evolve(state, event) in (NoConsent(), Consented(scopes=CONSENT_GIVEN.scopes))


def test_a_person_has_one_consent_for_each_client_and_resource():
    other = uuid4()
    streams = {
        stream_of(user, client, resource)
        for user in (PERSON, other)
        for client in ("a", "ab")
        for resource in (None, "b", "https://crm.example.com")
    }
    assert len(streams) == 12
    assert stream_of(PERSON, CLIENT_ID, None) == stream_of(PERSON, CLIENT_ID, None)


def test_the_name_of_a_consent_is_for_ever():
    assert stream_of(PERSON, CLIENT_ID, None) == UUID("955c8372-8e4a-8268-8ea5-9ee18923a594")


@given(st.uuids(), st.text(), st.none() | st.text())
def test_the_name_of_a_consent_is_a_uuid_of_our_own_making(user, client_id, resource):
    stream = stream_of(user, client_id, resource)
    assert (stream.version, stream.variant) == (8, RFC_4122)
