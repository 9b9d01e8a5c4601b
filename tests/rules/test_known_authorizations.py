"""What a process knows of authorizations and their users, to decide the next exchange."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from projections.keyed_users import KeyedUser
from projections.standing import Past
from service.people import known_authorizations
from service.people.known_authorizations import Known, KnownAuthorizations
from tests.rules.samples import CODE_ISSUED, CODE_REDEEMED, GRANTED, REFRESH_ISSUED

ISSUED, OTHER = (GRANTED, CODE_ISSUED), UUID(int=2)
OFFLINE = (*ISSUED, CODE_REDEEMED, REFRESH_ISSUED)
STREAM = UUID(int=1)


def knowing(heard: int = 0) -> KnownAuthorizations:
    return KnownAuthorizations(lambda: heard)


def known_of(user: int, position: int = 1) -> Known:
    return Known(Past(OFFLINE, keyed(user)), position)


def keyed(user: int) -> KeyedUser:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return KeyedUser(UUID(int=user), "active", verified=True, profile=None, created_at=since, wrapped=b"")


def test_what_is_known_is_taken_once():
    known = knowing()
    known.keep(STREAM, known_of(7))
    assert known.take(STREAM) == known_of(7)
    assert known.take(STREAM) is None


def test_of_an_authorization_without_a_refresh_token_only_the_user_is_known():
    known = knowing()
    known.keep(STREAM, Known(Past((*ISSUED, CODE_REDEEMED), keyed(7)), 3))
    assert STREAM not in known
    known.began(OTHER, UUID(int=7), ISSUED)
    assert known.take(OTHER) == Known(Past(ISSUED, keyed(7)), 3)


def test_an_authorization_that_begins_is_known_only_with_its_user():
    known = knowing()
    known.keep(STREAM, known_of(7))
    known.began(OTHER, UUID(int=8), ISSUED)
    assert OTHER not in known


def test_the_one_that_was_kept_first_is_forgotten_for_one_too_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known_authorizations, "MOST_KNOWN", 2)
    known, streams = knowing(), [UUID(int=each) for each in range(3)]
    for stream in streams:
        known.keep(stream, known_of(7))
    assert [stream in known for stream in streams] == [False, True, True]


def test_of_a_user_to_whom_something_happened_nothing_is_known_and_of_others_it_is():
    known, streams = knowing(), [UUID(int=each) for each in range(3)]
    for stream, user in zip(streams, (7, 8, 7), strict=True):
        known.keep(stream, known_of(user))
    known.forget({UUID(int=7)})
    assert [stream in known for stream in streams] == [False, True, False]
    for user in (7, 8):
        known.began(UUID(int=10 + user), UUID(int=user), ISSUED)
    assert [UUID(int=10 + user) in known for user in (7, 8)] == [False, True]


def test_nothing_is_kept_as_of_a_position_after_which_something_was_heard():
    known = knowing(heard=5)
    known.keep(STREAM, known_of(7, position=4))
    assert STREAM not in known
    known.keep(STREAM, known_of(7, position=5))
    assert STREAM in known


def test_nothing_is_known_of_a_log_that_lost_history():
    known = knowing()
    known.keep(STREAM, known_of(7))
    known.forget(None)
    known.began(OTHER, UUID(int=7), ISSUED)
    assert STREAM not in known
    assert OTHER not in known
