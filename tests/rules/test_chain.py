"""The formulas of events/chain.py, computed by hand."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.chain import event_leaf, issuance_leaf, next_chain, root_of

STREAM = UUID("000102030405060708090a0b0c0d0e0f")
EVENT: dict[str, Any] = {
    "stream": STREAM,
    "version": 258,
    "schema_version": 3,
    "kind": "bot.deleted",
    "meta": b"{m}",
    "data": b"{d}",
}


def test_a_leaf_is_the_hash_of_everything_stored_of_an_event_but_its_place():
    by_hand = bytes.fromhex(
        "00"  # what kind of leaf
        "000102030405060708090a0b0c0d0e0f"  # the stream
        "00000102"  # the version
        "0003"  # the schema version
        "000b"
        + b"bot.deleted".hex()  # the type
        + "00000003"
        + b"{m}".hex()
        + b"{d}".hex()
    )
    assert event_leaf(**EVENT) == sha256(by_hand).digest()


def test_a_token_s_leaf_is_the_hash_of_everything_stored_of_it_but_its_place():
    names = [UUID(int=number) for number in (1, 2, 3)]
    by_hand = bytes.fromhex("00" + "".join(f"{number:032x}" for number in (1, 2, 3)) + b"{}".hex())
    assert issuance_leaf(client=names[0], secret=names[1], jti=names[2], data=b"{}") == sha256(by_hand).digest()


def test_a_root_is_the_hash_of_the_leaves_in_order():
    assert root_of([b"a" * 32, b"b" * 32]) == sha256(b"a" * 32 + b"b" * 32).digest()
    assert root_of(iter([b"b" * 32, b"a" * 32])) != root_of([b"a" * 32, b"b" * 32])


def test_a_chain_value_is_the_hash_of_the_one_before_and_of_the_batch():
    at = datetime(1970, 1, 1, 0, 0, 1, 5, UTC)
    by_hand = b"p" * 32 + bytes.fromhex("0000000000000007000000000000000900000000000f4245") + b"r" * 32
    assert next_chain(b"p" * 32, first=7, last=9, recorded_at=at, root=b"r" * 32) == sha256(by_hand).digest()


def test_the_same_moment_in_another_time_zone_is_the_same_moment():
    moments = [datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))]
    assert len({next_chain(b"", first=1, last=1, recorded_at=at, root=b"") for at in moments}) == 1


@pytest.mark.parametrize("name", EVENT)
def test_a_leaf_depends_on_every_part(name):
    others: dict[str, Any] = {
        "stream": UUID(int=0),
        "version": 259,
        "schema_version": 4,
        "kind": "bot.enabled",
        "meta": b"{n}",
        "data": b"{e}",
    }
    assert event_leaf(**{**EVENT, name: others[name]}) != event_leaf(**EVENT)


parts = st.tuples(st.sampled_from(["a.b", "a.bc", "a"]), st.binary(max_size=4), st.binary(max_size=4))


@given(parts, parts)
def test_no_two_events_have_the_same_leaf_by_moving_bytes_from_one_part_to_the_next(one, other):
    leaves = [
        event_leaf(stream=STREAM, version=1, schema_version=1, kind=k, meta=m, data=d) for k, m, d in (one, other)
    ]
    assert (leaves[0] == leaves[1]) == (one == other)
