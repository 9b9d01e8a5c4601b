"""What may be asked of a device authorization, and what comes of it; the codes that people type; what Authlib says to a device."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.authorization import Authorized
from events.client_security import Security
from service.commands.device_authorization import ApproveDevice, DenyDevice, RequestDeviceAuthorization
from service.commands.handle import DEVICE_AUTHORIZATION
from service.crypto import opaque_tokens, user_codes
from service.crypto.user_codes import ALPHABET, UserCodes, grouped, read
from service.oauth.authlib_grants import DEVICE as DEVICE_GRANT
from service.oauth.authlib_grants import AuthenticatedClient, DeviceCode
from service.oauth.authlib_server import Facts, decide
from service.oauth.errors import Gone, Refusal
from service.oauth.form import Form
from service.refusals import Contradiction, DoesNotExist
from tests.rules.samples import (
    AT,
    DEVICE,
    DEVICE_APPROVED,
    DEVICE_CODE_ISSUED,
    DEVICE_DENIED,
    DEVICE_REQUESTED,
    GRANTED,
    INTERACTIVE,
    PERSON,
    SESSION_ID,
    SOON,
    STREAM,
)
from tests.rules.table import outcome, rule

ASK = RequestDeviceAuthorization(requested=DEVICE_REQUESTED)
ALLOW = ApproveDevice(
    user=PERSON, session=SESSION_ID, authorization=DEVICE_APPROVED.authorization, device=DEVICE, at=AT
)
DENY = DenyDevice(user=PERSON, session=SESSION_ID, at=AT)
OTHER = ALLOW.__replace__(authorization=UUID(int=7))


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], ASK, [DEVICE_REQUESTED], "a device asks"),
        rule([DEVICE_REQUESTED], ASK, Contradiction, "an id is used once"),
        rule([DEVICE_REQUESTED, DEVICE_APPROVED], ASK, Contradiction, "also after an approval"),
        rule([DEVICE_REQUESTED, DEVICE_DENIED], ASK, Contradiction, "and after a denial"),
        rule([DEVICE_REQUESTED], ALLOW, [DEVICE_APPROVED], "a person approves"),
        rule([DEVICE_REQUESTED], DENY, [DEVICE_DENIED], "or denies"),
        rule([], ALLOW, DoesNotExist, "what no device asked for cannot be approved"),
        rule([], DENY, DoesNotExist, "nor denied"),
        rule([DEVICE_REQUESTED], ALLOW.__replace__(at=SOON), Contradiction, "an expired code cannot be approved"),
        rule([DEVICE_REQUESTED], DENY.__replace__(at=SOON), Contradiction, "nor denied: the device knows already"),
        rule([DEVICE_REQUESTED, DEVICE_APPROVED], ALLOW, [], "the same approval again changes nothing"),
        rule([DEVICE_REQUESTED, DEVICE_APPROVED], OTHER, Contradiction, "nobody approves what another approved"),
        rule(
            [DEVICE_REQUESTED, DEVICE_APPROVED], DENY, Contradiction, "an approval stands; access is removed elsewhere"
        ),
        rule([DEVICE_REQUESTED, DEVICE_DENIED], DENY, [], "denying twice changes nothing"),
        rule([DEVICE_REQUESTED, DEVICE_DENIED], ALLOW, Contradiction, "a denial stands: the device has stopped"),
    ],
)
def test_a_device_authorization(given, command, then):
    assert outcome(DEVICE_AUTHORIZATION, given, command) == then


class TestTheCodeThatPeopleType:
    def test_has_eight_letters_in_two_groups_that_spell_nothing_and_are_not_confused(self):
        assert set(ALPHABET).isdisjoint("AEIOUY0123456789")
        code = UserCodes(b"k" * 32).make().reveal()
        assert len(code) == 9
        assert read(code) == code

    @given(
        st.text(ALPHABET, min_size=8, max_size=8),
        st.lists(st.sampled_from(["", " ", "-", "\u2013", ".", " - ", "\t"]), min_size=9, max_size=9),
        st.booleans(),
    )
    def test_is_read_in_any_case_with_any_spaces_and_hyphens(self, letters, between, small):
        typed = "".join(gap + letter for gap, letter in zip(between, letters, strict=False)) + between[8]
        assert read(typed.lower() if small else typed) == grouped(letters)

    @pytest.mark.parametrize(
        "typed", ["", "BCDF", "BCDFGHJKL", "ABCD-FGHJ", "BCDF-GHJ1", "BCDF_GHJK", "\u017fCDF-GHJK"]
    )
    def test_anything_else_is_no_code(self, typed):
        assert read(typed) is None

    def test_its_hash_needs_the_key_of_the_server(self):
        one, other = UserCodes(b"k" * 32), UserCodes(b"l" * 32)
        assert one.hash("BCDF-GHJK") == one.hash("BCDF-GHJK") != other.hash("BCDF-GHJK")

    def test_there_are_enough_codes_that_a_guess_finds_none(self):
        assert len(ALPHABET) ** user_codes.LENGTH > 2.5e10


CODE = opaque_tokens.make(opaque_tokens.DEVICE_CODE, UUID(int=1)).reveal()
FORM: Form = {"grant_type": str(DEVICE_GRANT), "device_code": CODE}
ASKING = DeviceCode(client=STREAM, expires_at=SOON, now=AT, approved=None, early=False)
APPROVED = Authorized(granted=GRANTED, code=DEVICE_CODE_ISSUED)


def client(row, *, stream: UUID = STREAM, device_grant: bool = True) -> AuthenticatedClient:
    return AuthenticatedClient(
        row=row.__replace__(stream_id=stream, security=Security(device_grant=device_grant)),
        secret_id=UUID(int=0),
        method="none",
    )


@pytest.fixture(scope="module")
def row():
    from projections import clients  # noqa: PLC0415

    found = clients.project(None, STREAM, INTERACTIVE)
    assert found is not None
    return found


def said(row, device: DeviceCode | None, authorized: Authorized | None = None, **about) -> str:
    """The error, or the scope of what is issued."""
    facts = Facts(issuer="https://id.example", client=client(row, **about), authorized=authorized, device=device)
    try:
        return decide(facts, FORM).scope
    except Refusal as refusal:
        return f"{refusal.status} {refusal.error}"


class TestWhatADeviceIsTold:
    def test_to_wait_until_the_person_answers_and_to_ask_less_often(self, row):
        assert said(row, ASKING) == "400 authorization_pending"
        assert said(row, ASKING.__replace__(early=True)) == "400 slow_down"

    def test_that_the_person_denied_or_that_the_code_expired(self, row):
        assert said(row, ASKING.__replace__(approved=False)) == "400 access_denied"
        assert said(row, ASKING.__replace__(now=SOON)) == "400 expired_token"
        assert said(row, ASKING.__replace__(now=SOON + timedelta(days=1), early=True)) == "400 expired_token"

    def test_the_scopes_that_the_person_allowed_even_if_it_asks_too_often(self, row):
        answered = ASKING.__replace__(approved=True, early=True)
        assert said(row, answered, APPROVED) == " ".join(GRANTED.scopes)

    def test_nothing_of_what_was_revoked_since(self, row):
        assert said(row, ASKING.__replace__(approved=True)) == "400 invalid_grant"

    def test_nothing_of_a_code_of_another_client_or_of_no_code(self, row):
        assert said(row, ASKING, stream=UUID(int=9)) == "400 invalid_grant"
        assert said(row, None) == "400 invalid_grant"
        with pytest.raises(Gone):
            decide(
                Facts(issuer="https://id.example", client=client(row), device=ASKING),
                {**FORM, "device_code": "code_of_another_kind"},
            )

    def test_that_its_client_may_not_do_this(self, row):
        assert said(row, ASKING, device_grant=False) == "400 unauthorized_client"

    def test_which_parameter_is_missing(self, row):
        with pytest.raises(Refusal, match="device_code is missing"):
            decide(Facts(issuer="https://id.example", client=client(row)), {"grant_type": FORM["grant_type"]})
