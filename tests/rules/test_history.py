"""What there was at a position is a fold of the events up to there."""

from datetime import timedelta
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, json

from events.codec import Recorded, type_of
from projections import (
    api_history,
    authorization_history,
    bot_history,
    client_history,
    consent_history,
    initial_access_token_history,
    signing_key_history,
    trusted_issuer_history,
    user_history,
)
from projections.engine.entries import Poison
from projections.engine.fold import Fold
from projections.history import FOREVER, History, Row
from projections.intervals import NOT_ENDED, node_of, nodes_at
from tests.rules.commands import EVERYTHING, happened
from tests.rules.lives import LIVES
from tests.rules.samples import AT, REGISTERED, STREAM
from tests.rules.test_telling import recorded

GAP = 3
"""Positions between two events of a stream: those in between are other streams'."""

HISTORIES: dict[str, History[Any]] = {
    "client": client_history.HISTORY,
    "bot": bot_history.HISTORY,
    "api": api_history.HISTORY,
    "user": user_history.HISTORY,
    "consent": consent_history.HISTORY,
    "authorization": authorization_history.HISTORY,
    "signing key": signing_key_history.HISTORY,
    "trusted issuer": trusted_issuer_history.HISTORY,
    "initial access token": initial_access_token_history.HISTORY,
}
OF_ANY_KIND = st.sampled_from(sorted(HISTORIES)).flatmap(
    lambda kind: EVERYTHING[kind].histories.map(lambda commands: (kind, commands))
)


def entries(history: History[Any], events) -> list[Recorded]:
    return [
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
        if type_of(event) in history.catch_up().follows.tags
    ]


def history_of(history: History[Any], events) -> list[Row[Any]]:
    """The rows of these events of one stream, after each event as they come back from the database."""
    projection = history.catch_up()
    stored: list[Row[Any]] = []
    for entry in entries(history, events):
        fold = Fold(projection, complete=True)
        fold.learn((), stored)
        fold.take_in([entry])
        changes = fold.changes()
        written = {projection.key_of(row): row for row in (*changes.new, *changes.replaced)}
        kept = {projection.key_of(row): row for row in stored} | written
        for key in changes.removed:
            del kept[key]
        stored = json.decode(json.encode(list(kept.values())), type=list[projection.row])
    return stored


def as_of(history: History[Any], rows: list[Row[Any]], position: int) -> list[Any]:
    """What is shown of the position, found as the index finds it."""
    nodes = nodes_at(position)
    found = [row for row in rows if row.node in nodes.later and row.from_position <= position]
    found += [row for row in rows if row.node in nodes.earlier and position < row.to_position]
    assert found == [row for row in rows if row.from_position <= position < row.to_position]
    return [history.keep(row.snapshot) for row in found]


def check(kind, commands):
    history = HISTORIES[kind]
    events, _ = happened(EVERYTHING[kind].aggregate, commands)
    rows = history_of(history, events)
    for position in range(GAP * (len(events) + 1)):
        then: Any = history.table.fold(STREAM, events[: position // GAP])
        assert as_of(history, rows, position) == ([] if then is None else [history.keep(then)])
    for row in rows:
        assert (row.to_time is None) == (row.to_position == FOREVER)
        assert row.to_time is None or row.from_time < row.to_time
        assert history.filters(row.snapshot) == {name: getattr(row, name) for name in history.columns}


@given(OF_ANY_KIND)
def test_what_there_was_as_of_a_position_is_the_fold_of_the_events_up_to_there(lived):
    check(*lived)


@pytest.mark.parametrize(
    ("kind", "commands"),
    [(kind, commands) for kind in HISTORIES for commands in LIVES[kind]],
)
def test_so_it_is_in_a_history_in_which_every_event_happens(kind, commands):
    check(kind, commands)


@pytest.mark.parametrize("kind", HISTORIES)
def test_a_history_made_at_once_is_the_one_that_was_followed_step_by_step(kind):
    history = HISTORIES[kind]
    for commands in LIVES[kind]:
        events, _ = happened(EVERYTHING[kind].aggregate, commands)
        fold = Fold(history.catch_up(), complete=True)
        fold.take_in(entries(history, events))
        at_once = json.decode(json.encode(fold.changes().new), type=list[history.row])
        assert sorted(at_once, key=lambda row: row.to_position) == sorted(
            history_of(history, events), key=lambda row: row.to_position
        )


def test_no_history_keeps_what_proves_who_somebody_is():
    for commands in LIVES["client"]:
        events, _ = happened(EVERYTHING["client"].aggregate, commands)
        for row in history_of(client_history.HISTORY, events):
            assert all((secret.hash, secret.imported) == ("", UNSET) for secret in row.snapshot.secrets)
    factors = 0
    for commands in LIVES["user"]:
        events, _ = happened(EVERYTHING["user"].aggregate, commands)
        for row in history_of(user_history.HISTORY, events):
            assert (row.snapshot.password, row.snapshot.password_at) == (None, None)
            assert all(factor.kept == "" for factor in row.snapshot.factors)
            factors += len(row.snapshot.factors)
    assert factors > 0


positions = st.integers(1, 2**40)


@given(positions, positions, positions)
def test_a_range_is_found_at_its_own_positions_and_at_no_others(first, length, position):
    end = first + length
    nodes = nodes_at(position)
    node = node_of(first, end)
    found = (node in nodes.later and first <= position) or (node in nodes.earlier and position < end)
    assert found == (first <= position < end)


@given(positions, st.integers(1, 64), st.integers(-3, 67))
def test_so_it_is_at_the_ends_of_short_ranges(first, length, offset):
    end, position = first + length, max(0, first + offset)
    nodes = nodes_at(position)
    node = node_of(first, end)
    found = (node in nodes.later and first <= position) or (node in nodes.earlier and position < end)
    assert found == (first <= position < end)
    assert node != NOT_ENDED
    assert node_of(first, FOREVER) == NOT_ENDED


def test_an_exit_in_a_projection_is_an_error_of_that_projection_alone():
    def leave(*_: object) -> NoReturn:
        raise SystemExit(3)

    fold = Fold(client_history.PROJECTION.__replace__(project=leave), complete=True)
    with pytest.raises(Poison, match="SystemExit: 3"):
        fold.take_in([recorded(REGISTERED)])
