"""What a process knows of authorizations, to decide their next exchange."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from projections.keyed_users import KeyedUser
from projections.standing import Past
from service.people import known_authorizations
from service.people.known_authorizations import Known, KnownAuthorizations


def known_of(user: int, position: int = 1) -> Known:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    keyed = KeyedUser(UUID(int=user), "active", verified=True, profile=None, created_at=since, wrapped=b"")
    return Known(Past((), keyed), position)


def test_what_is_known_is_taken_once():
    known, stream = KnownAuthorizations(), UUID(int=1)
    known.keep(stream, known_of(1))
    assert known.take(stream) == known_of(1)
    assert known.take(stream) is None


def test_the_one_that_was_kept_first_is_forgotten_for_one_too_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known_authorizations, "MOST_KNOWN", 2)
    known, streams = KnownAuthorizations(), [UUID(int=each) for each in range(3)]
    for stream in streams:
        known.keep(stream, known_of(1))
    assert [stream in known for stream in streams] == [False, True, True]


def test_of_a_user_to_whom_something_happened_nothing_is_known_and_of_others_it_is():
    known, streams = KnownAuthorizations(), [UUID(int=each) for each in range(3)]
    for stream, user in zip(streams, (7, 8, 7), strict=True):
        known.keep(stream, known_of(user))
    known.forget({UUID(int=7)})
    assert [stream in known for stream in streams] == [False, True, False]


def test_nothing_is_known_of_a_log_that_lost_history():
    known = KnownAuthorizations()
    known.keep(UUID(int=1), known_of(1))
    known.forget(None)
    assert UUID(int=1) not in known
