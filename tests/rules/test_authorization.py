"""What may be asked of an authorization, and what comes of asking."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.authorization import (
    MOST_LATEST,
    Authorization,
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRevoked,
    Authorized,
    CodeReplayed,
    RefreshToken,
    RefreshTokenReplayed,
    RefreshTokenRotated,
    Revoked,
    Unauthorized,
    evolve,
)
from projections import registry
from projections.keyed_users import KeyedUser
from projections.standing import BEGINNING, Past
from service.commands.authorization import (
    GRACE,
    MOST_REFRESHES,
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RefuseRedemption,
    RevokeAuthorization,
    RotateRefreshToken,
    may_have_been_lost,
)
from service.commands.handle import AUTHORIZATION, MOST_EVENTS, Handled
from service.grants.authorization_code import REFRESH_FOR
from service.grants.redemption_view import known_after, loaded_from
from service.refusals import Contradiction, DoesNotExist
from tests.rules.samples import (
    AT,
    AUTHORIZATION_REVOKED,
    CODE_ISSUED,
    CODE_REDEEMED,
    EVENTS,
    GRANTED,
    LATER,
    REDEMPTION_REFUSED,
    REFRESH_ISSUED,
    REFRESH_ROTATED,
    SOON,
    hashed,
)
from tests.rules.table import outcome, rule

INSTANT = timedelta(microseconds=1)
SOMEBODY = KeyedUser(UUID(int=7), "active", verified=True, profile=None, created_at=AT, wrapped=None)

GRANT = GrantAuthorization(granted=GRANTED, code=CODE_ISSUED)
BOUND = NewRefreshToken(hash=hashed(1), expires_at=LATER, jkt="0ZcO")
REDEEM_BOUND, REFRESH_BOUND = RedeemCode(jti=UUID(int=1), refresh=BOUND, at=AT), REFRESH_ISSUED.__replace__(jkt="0ZcO")
REDEEM = RedeemCode(jti=UUID(int=1), refresh=NewRefreshToken(hash=hashed(1), expires_at=LATER), at=AT)
REDEEM_ONCE = REDEEM.__replace__(refresh=None)
REFUSE = RefuseRedemption(client_id="oauth_client_other", why="another_client", at=AT)
ROTATE = RotateRefreshToken(presented=hashed(1), next=hashed(2), jti=UUID(int=2), at=SOON)
ROTATE_AGAIN = RotateRefreshToken(presented=hashed(2), next=hashed(3), jti=UUID(int=3), at=SOON)
REVOKE = RevokeAuthorization(why="user", at=LATER)
KEEP = RotateRefreshToken(presented=hashed(1), next=hashed(1), jti=UUID(int=4), at=SOON)
KEPT = RefreshTokenRotated(hash=hashed(1), jti=UUID(int=4), at=SOON)

ISSUED = [GRANTED, CODE_ISSUED]
ONLINE = [*ISSUED, CODE_REDEEMED]
OFFLINE = [*ONLINE, REFRESH_ISSUED]
ROTATED = [*OFFLINE, REFRESH_ROTATED]
TWICE_ROTATED = [*ROTATED, RefreshTokenRotated(hash=hashed(3), jti=UUID(int=3), at=SOON)]


def test_there_is_room_left_in_the_stream_of_an_authorization_that_was_refreshed_as_often_as_may_be():
    assert len(OFFLINE) + MOST_REFRESHES < AUTHORIZATION.room * MOST_EVENTS


def test_a_refresh_every_five_minutes_fits_into_the_time_of_a_refresh_token():
    assert REFRESH_FOR / timedelta(minutes=5) < MOST_REFRESHES


def test_every_refresh_token_that_was_exchanged_is_known_however_many_there_were():
    number = 3 * MOST_LATEST + 5
    rotations = [RefreshTokenRotated(hash=hashed(each), jti=UUID(int=each), at=SOON) for each in range(2, number)]
    for many in (1, MOST_LATEST - 1, MOST_LATEST, MOST_LATEST + 1, len(rotations)):
        state = AUTHORIZATION.state([*OFFLINE, *rotations[:many]])
        assert isinstance(state, Authorized)
        assert state.refresh is not None
        assert sorted(state.refresh.exchanged_ever()) == sorted(hashed(each) for each in range(1, many + 1))
        assert state.refresh.exchanged[-1] == hashed(many), "the latest may have been lost"
        for each in range(1, many + 1):
            again = RotateRefreshToken(presented=hashed(each), next=hashed(0), jti=UUID(int=9), at=LATER)
            assert AUTHORIZATION.decide(again, state) == replayed_refresh(again)


@pytest.mark.parametrize("is_kept", [False, True], ids=["each exchanged for the next", "kept"])
def test_the_current_refresh_token_is_exchanged_as_if_no_refresh_were_left_out(is_kept: bool):
    number = MOST_REFRESHES if is_kept else 3 * MOST_LATEST
    hashes = [hashed(1 if is_kept else each) for each in range(2, number + 2)]
    rotations = [RefreshTokenRotated(hash=each, jti=UUID(int=3), at=SOON) for each in hashes]
    for many in (1, 2, 3, MOST_LATEST + 5, number - 1, number):
        past, stream = [*OFFLINE, *rotations[:many]], UUID(int=5)
        short = Past((*OFFLINE, rotations[many - 1]), None, left_out=many - 1)
        for at in (SOON, LATER):
            command = RotateRefreshToken(presented=hashes[many - 1], next=hashed(0), jti=UUID(int=9), at=at)
            assert decided(command, loaded_from(short).state) == decided(command, AUTHORIZATION.state(past))
        assert loaded_from(short).version == len(past)
        of_all = registry.changes(stream, past, [AUTHORIZATION_REVOKED])
        assert registry.changes(stream, short.events, [AUTHORIZATION_REVOKED], left_out=short.left_out) == of_all


@given(st.integers(min_value=0, max_value=12), st.lists(st.integers(min_value=1, max_value=3), max_size=6))
def test_what_is_known_after_some_commits_is_what_would_be_read_then(begun: int, commits: list[int]):
    rotations = [RefreshTokenRotated(hash=hashed(each), jti=UUID(int=each), at=SOON) for each in range(2, 40)]
    stream = [*OFFLINE, *rotations]
    past, version = read_at(stream, begun), begun
    for many in commits:
        past, version = past.followed_by(stream[version : version + many]), version + many
    assert past == read_at(stream, version)


@given(st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=12))
def test_what_follows_from_some_commits_is_what_follows_from_all_their_events(commits: list[int]):
    rotations = [RefreshTokenRotated(hash=hashed(each), jti=UUID(int=each), at=SOON) for each in range(2, 40)]
    stream, loaded, past = UUID(int=5), AUTHORIZATION.loaded(OFFLINE), OFFLINE
    for many in commits:
        done = len(past) - len(OFFLINE)
        new, after = rotations[done : done + many], [*OFFLINE, *rotations[: done + many]]
        changes = registry.changes(stream, loaded.events, new, left_out=loaded.left_out, before=loaded.changes)
        assert changes == registry.changes(stream, past, new)
        known = known_after(loaded, SOMEBODY, Handled(len(after), len(after), new, changes))
        assert known.loaded is not None
        loaded, past = known.loaded, after
        command = RotateRefreshToken(presented=new[-1].hash, next=hashed(0), jti=UUID(int=9), at=SOON)
        assert decided(command, loaded.state) == decided(command, AUTHORIZATION.state(past))
        assert loaded.version == len(past)


def read_at(stream: Sequence[AuthorizationEvent], version: int) -> Past:
    """What `projections/standing.py` reads of a stream of so many events."""
    events = [*stream[: min(version, BEGINNING)], *stream[max(version - 1, BEGINNING) : version]]
    return Past(events, None, version - len(events))


def decided(command: RotateRefreshToken, state: Authorization) -> list[AuthorizationEvent] | type[Contradiction]:
    try:
        return AUTHORIZATION.decide(command, state)
    except Contradiction:
        return Contradiction


def test_a_short_past_begins_with_all_events_before_the_first_refresh():
    assert len(OFFLINE) == BEGINNING


def revoked(*events):
    return [*events, AUTHORIZATION_REVOKED]


def replayed_code(command):
    return [CodeReplayed(at=command.at), AuthorizationRevoked(why="code_replayed", at=command.at)]


def replayed_refresh(command):
    return [RefreshTokenReplayed(at=command.at), AuthorizationRevoked(why="refresh_token_replayed", at=command.at)]


def refused(command):
    return [REDEMPTION_REFUSED, AuthorizationRevoked(why="redemption_refused", at=command.at)]


def late(command, at):
    return command.__replace__(at=at)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], GRANT, ISSUED, "a person says yes and the code is issued"),
        rule(ISSUED, GRANT, Contradiction, "an authorization is granted once"),
        rule(revoked(*ISSUED), GRANT, Contradiction, "a revoked one is not granted again"),
        rule(ISSUED, REDEEM, [CODE_REDEEMED, REFRESH_ISSUED], "a code is redeemed, with a refresh token"),
        rule(ISSUED, REDEEM_BOUND, [CODE_REDEEMED, REFRESH_BOUND], "a refresh token may be bound to a key"),
        rule(ISSUED, REDEEM_ONCE, [CODE_REDEEMED], "or without"),
        rule(ISSUED, late(REDEEM_ONCE, SOON - INSTANT), [CODE_REDEEMED.__replace__(at=SOON - INSTANT)], "in time"),
        rule(ISSUED, late(REDEEM, SOON), [], "not at its expiry"),
        rule(ISSUED, late(REDEEM, LATER), [], "and not after"),
        rule([GRANTED], REDEEM, [], "a code that was never issued is not redeemed"),
        rule(ONLINE, REDEEM_ONCE, replayed_code(REDEEM), "a second redemption is a replay and revokes everything"),
        rule(OFFLINE, REDEEM, replayed_code(REDEEM), "with a refresh token too"),
        rule(ROTATED, REDEEM, replayed_code(REDEEM), "after that was exchanged too"),
        rule(ONLINE, late(REDEEM, LATER), replayed_code(late(REDEEM, LATER)), "and long after the code's expiry"),
        rule(revoked(*ISSUED), REDEEM, [], "a revoked authorization's code is worth nothing"),
        rule(revoked(*ONLINE), REDEEM, [], "and its replay changes nothing any more"),
        rule(ISSUED, REFUSE, refused(REFUSE), "a code with the wrong company is good for nobody from then on"),
        rule(OFFLINE, REFUSE, refused(REFUSE), "nor is a refresh token"),
        rule(revoked(*OFFLINE), REFUSE, [], "a refusal is remembered once"),
        rule([*ISSUED, *refused(REFUSE)], REDEEM, [], "the code was refused: who comes second is refused too"),
        rule(OFFLINE, ROTATE, [REFRESH_ROTATED], "a refresh token is exchanged for the next one"),
        rule(ROTATED, ROTATE_AGAIN, TWICE_ROTATED[-1:], "and that for the next"),
        rule(OFFLINE, KEEP, [KEPT], "or is kept by a client whose tokens are bound to a key"),
        rule([*OFFLINE, KEPT, KEPT], KEEP, [KEPT], "and kept again"),
        rule([*OFFLINE, *[KEPT] * (MOST_REFRESHES - 1)], KEEP, [KEPT], "for as long as its stream has room"),
        rule([*OFFLINE, *[KEPT] * MOST_REFRESHES], KEEP, Contradiction, "and then says so"),
        rule([*OFFLINE, *[KEPT] * MOST_REFRESHES], ROTATE, Contradiction, "an exchange takes room, too"),
        rule(
            [*OFFLINE, *[KEPT] * MOST_REFRESHES, REFRESH_ROTATED], KEEP, replayed_refresh(KEEP), "a replay needs none"
        ),
        rule([*OFFLINE, KEPT], ROTATE, [REFRESH_ROTATED], "until it is exchanged for the next one"),
        rule([*OFFLINE, KEPT, REFRESH_ROTATED], KEEP, replayed_refresh(KEEP), "after that it is replayed"),
        rule([*OFFLINE, KEPT], late(KEEP, LATER), [], "it lives no longer for being kept"),
        rule(
            OFFLINE,
            late(ROTATE, LATER - INSTANT),
            [REFRESH_ROTATED.__replace__(at=LATER - INSTANT)],
            "for as long as it lives",
        ),
        rule(OFFLINE, late(ROTATE, LATER), [], "not at its expiry"),
        rule(ROTATED, late(ROTATE_AGAIN, LATER), [], "an exchange prolongs nothing"),
        rule(
            ROTATED, ROTATE, replayed_refresh(ROTATE), "one that was exchanged revokes everything when it comes again"
        ),
        rule(TWICE_ROTATED, ROTATE, replayed_refresh(ROTATE), "also an old one"),
        rule(ROTATED, late(ROTATE, LATER), replayed_refresh(late(ROTATE, LATER)), "also after its expiry"),
        rule(ROTATED, ROTATE.__replace__(presented=hashed(9)), [], "one that never was is nothing"),
        rule(OFFLINE, ROTATE.__replace__(presented=hashed(2)), [], "nor is one that is yet to come"),
        rule(ONLINE, ROTATE, [], "where there is no refresh token none is exchanged"),
        rule(ISSUED, ROTATE, [], "nor before the code was redeemed"),
        rule(revoked(*OFFLINE), ROTATE, [], "a revoked authorization's refresh token is worth nothing"),
        rule(revoked(*ROTATED), ROTATE, [], "and the replay of one changes nothing any more"),
        rule(ISSUED, REVOKE, [AUTHORIZATION_REVOKED], "an authorization can be revoked before its code is redeemed"),
        rule(ONLINE, REVOKE, [AUTHORIZATION_REVOKED], "after"),
        rule(ROTATED, REVOKE, [AUTHORIZATION_REVOKED], "and after an exchange"),
        rule(revoked(*ROTATED), REVOKE, [], "revoking twice changes nothing"),
        rule([*ONLINE, *replayed_code(REDEEM)], REVOKE, [], "nor does revoking after a replay"),
        *(
            rule([], command, DoesNotExist, f"no authorization and {type(command).__name__}: not found")
            for command in (REDEEM, REFUSE, ROTATE, REVOKE)
        ),
    ],
)
def test_an_authorization(given, command, then):
    assert outcome(AUTHORIZATION, given, command) == then


def authorized(*events) -> Authorized:
    state = reduce(evolve, events, Unauthorized())
    assert isinstance(state, Authorized)
    return state


def test_an_answer_may_have_been_lost_for_as_long_as_the_grace_lasts():
    rotated = authorized(*ROTATED)
    assert may_have_been_lost(hashed(1), rotated, SOON)
    assert may_have_been_lost(hashed(1), rotated, SOON + GRACE - INSTANT)
    assert not may_have_been_lost(hashed(1), rotated, SOON + GRACE)


@pytest.mark.parametrize(
    ("happened", "presented"),
    [
        pytest.param(ISSUED, hashed(1), id="there is no refresh token"),
        pytest.param(OFFLINE, hashed(1), id="nothing was exchanged yet"),
        pytest.param(ROTATED, hashed(2), id="it is the one that is good"),
        pytest.param(ROTATED, hashed(9), id="it never was one"),
        pytest.param(TWICE_ROTATED, hashed(1), id="another was exchanged since"),
    ],
)
def test_no_answer_was_lost_where(happened, presented):
    assert not may_have_been_lost(presented, authorized(*happened), SOON)


def test_a_refresh_token_keeps_the_hashes_of_all_that_were_exchanged_and_its_expiry():
    assert authorized(*TWICE_ROTATED).refresh == RefreshToken(
        hash=hashed(3), expires_at=LATER, rotated_at=SOON, exchanged=(hashed(1), hashed(2)), uses=2
    )


@pytest.mark.parametrize(
    "event", [e for e in EVENTS if isinstance(e, AuthorizationEvent)], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize(
    "state",
    [Unauthorized(), Authorized(granted=GRANTED), authorized(*OFFLINE), Revoked(was=authorized(*OFFLINE), why="user")],
    ids=["Unauthorized", "Authorized", "Authorized with a refresh token", "Revoked"],
)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert isinstance(evolve(state, event), Unauthorized | Authorized | Revoked)


def test_it_is_known_why_an_authorization_was_revoked():
    assert evolve(authorized(*OFFLINE), AUTHORIZATION_REVOKED) == Revoked(was=authorized(*OFFLINE), why="user")


def test_nothing_changes_a_revoked_authorization_nor_why_it_was():
    state = Revoked(was=authorized(*OFFLINE), why="user")
    for event in EVENTS:
        if isinstance(event, AuthorizationEvent) and not isinstance(event, AuthorizationGranted):
            assert evolve(state, event) == state


def test_the_refresh_tokens_after_a_bound_one_are_bound_to_the_same_key():
    state = AUTHORIZATION.state([*ISSUED, CODE_REDEEMED, REFRESH_BOUND, REFRESH_ROTATED])
    assert isinstance(state, Authorized)
    assert state.refresh is not None
    assert state.refresh.jkt == "0ZcO"
