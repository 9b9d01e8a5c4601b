"""The reason for a change: what its header may contain, and how it is shown."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.codec import encode
from events.envelope import ByOperator, Meta, SealedReason
from service.cli import event_text
from service.commands.handle import USER, Ledger, handle
from service.commands.user import DisableUser
from service.idempotency import Idempotency
from service.values.reason import MOST, WrongReason, checked, of_header
from tests.rules.samples import DISABLED, PERSON, SEALED, STREAM
from tests.rules.test_telling import recorded

META = Meta(actor=ByOperator(user="root"), request_id="r")
NOTHING: Any = None
"""No database: each refusal comes before it is asked."""

LETTERS = st.characters(exclude_categories=["C", "Zl", "Zp"])
GERMAN = "Kündigung zum Quartalsende 🚪"


@given(st.text(LETTERS, min_size=1, max_size=50).filter(str.strip))
def test_a_percent_encoded_reason_is_read_as_it_was_written(text: str):
    assert of_header(quote(text).encode()) == text


def test_a_reason_in_plain_utf_8_is_read_too():
    assert of_header(GERMAN.encode()) == GERMAN


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (b"", "is empty"),
        (b"%20%20", "is empty"),
        (b"50% off", "write % as %25"),
        (b"50%", "write % as %25"),
        (b"K\xfcndigung", "is not UTF-8"),
        (b"%FF", "is not UTF-8"),
        (b"one%0Atwo", "U+000A"),
        (b"a%E2%80%AEb", "U+202E"),
        (b"x" * (MOST + 1), "501 characters; at most 500"),
    ],
    ids=repr,
)
def test_a_header_that_is_no_reason_is_refused_with_what_is_wrong(header: bytes, fault: str):
    with pytest.raises(WrongReason, match=fault.replace("+", r"\+")):
        of_header(header)


def test_every_fault_is_named_at_once():
    with pytest.raises(WrongReason) as refused:
        checked("\n" * (MOST + 1))
    assert [fault.split()[0] for fault in refused.value.faults] == ["is", "has", "contains"]


def test_characters_are_counted_and_not_bytes():
    assert checked("🚪" * MOST)


def told(reason: str | SealedReason | None) -> object:
    past = recorded(DISABLED).__replace__(meta_bytes=encode(META.__replace__(reason=reason)))
    return event_text.as_json(past)["reason"], event_text.why(past.meta)


def test_a_reason_is_shown_and_of_a_sealed_one_only_whose_it_is():
    assert told(None) == (None, "")
    assert told(GERMAN) == (GERMAN, GERMAN)
    sealed = told(SealedReason(user_id=PERSON, sealed=SEALED))
    assert sealed == ({"sealed_for": str(PERSON)}, f"sealed with the data key of the user {PERSON}")


async def test_no_reason_in_clear_comes_onto_the_stream_of_a_user():
    with pytest.raises(AssertionError, match="never forget"):
        await handle(Ledger(NOTHING, NOTHING), USER, STREAM, DisableUser(), META.__replace__(reason=GERMAN))


def test_another_reason_is_another_request_under_one_idempotency_key():
    idempotency = Idempotency(NOTHING, b"k" * 32)

    def fingerprint(body: bytes, reason: str | None) -> bytes:
        asked = idempotency.asked("key", caller="alice", path="/", body=body, reason=reason)
        assert asked is not None
        return asked.fingerprint

    different = {fingerprint(body, reason) for body in (b"{}", b"[]") for reason in (None, "one", "two")}
    assert len(different) == 6
