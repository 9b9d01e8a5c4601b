"""What a client was at a position is a fold of its events up to there."""

from datetime import timedelta
from typing import NoReturn

import pytest
from hypothesis import given
from msgspec import UNSET

from events.codec import Recorded, type_of
from projections import client_history, clients
from projections.client_history import PROJECTION, Row
from projections.engine.entries import Poison
from projections.engine.fold import Fold
from service.commands.handle import CLIENT
from tests.rules.commands import EVERYTHING, happened
from tests.rules.lives import LIVES
from tests.rules.samples import AT, REGISTERED, STREAM
from tests.rules.test_telling import recorded

GAP = 3
"""Positions between two events of the client: those in between are other streams'."""


def history_of(events):
    """The rows of these events of one client."""
    fold = Fold(PROJECTION, complete=True)
    fold.take_in(
        Recorded(
            position=GAP * version,
            recorded_at=AT + timedelta(seconds=version),
            stream_id=STREAM,
            version=version,
            type=type_of(event),
            event=event,
            meta_bytes=b"{}",
        )
        for version, event in enumerate(events, start=1)
    )
    return fold.changes().new


def test_an_exit_in_a_projection_is_an_error_of_that_projection_alone():
    def leave(*_: object) -> NoReturn:
        raise SystemExit(3)

    fold = Fold(PROJECTION.__replace__(project=leave), complete=True)
    with pytest.raises(Poison, match="SystemExit: 3"):
        fold.take_in([recorded(REGISTERED)])


def as_of(rows: list[Row], position: int) -> list[clients.Row]:
    return [
        row.client
        for row in rows
        if row.from_position <= position and (row.to_position is None or position < row.to_position)
    ]


def check(commands):
    events, _ = happened(CLIENT, commands)
    rows = history_of(events)
    for position in range(GAP * (len(events) + 1)):
        then = clients.TABLE.fold(STREAM, events[: position // GAP])
        expected = [client_history._without_hashes(then)] if isinstance(then, clients.Row) else []
        assert as_of(rows, position) == expected
    for row in rows:
        assert (row.to_time is None) == (row.to_position is None)
        assert row.to_time is None or row.from_time < row.to_time
        assert all((secret.hash, secret.imported) == ("", UNSET) for secret in row.client.secrets)


@given(EVERYTHING["client"].histories)
def test_a_client_as_of_a_position_is_the_fold_of_its_events_up_to_there(commands):
    check(commands)


@pytest.mark.parametrize("commands", LIVES["client"])
def test_so_it_is_in_a_history_in_which_every_event_happens(commands):
    check(commands)
