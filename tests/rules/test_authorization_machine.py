"""Whatever is asked of an authorization, in whatever order and however late: what comes of it is what a plain model says."""

from datetime import datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from events.authorization import (
    AuthorizationRevoked,
    Authorized,
    CodeRedeemed,
    CodeReplayed,
    RedemptionRefused,
    RefreshTokenIssued,
    RefreshTokenReplayed,
    RefreshTokenRotated,
    Revoked,
    evolve,
)
from service.commands.authorization import (
    GRACE,
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RefuseRedemption,
    RevokeAuthorization,
    RotateRefreshToken,
    decide,
    may_have_been_lost,
)
from service.commands.handle import AUTHORIZATION
from tests.rules.samples import AT, CODE_ISSUED, GRANTED, hashed

CODE_LIVES, REFRESH_LIVES = timedelta(seconds=60), timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


class AnAuthorization(RuleBasedStateMachine):
    """The model is a few plain facts: whether the code was used, which refresh tokens were given, and whether all is over."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = AT
        self.state: Any = AUTHORIZATION.initial
        self.happened: list[Any] = []
        self.used = False
        self.over = False
        self.given: list[str] = []
        self.good_until: datetime = AT
        self.exchanged_at: datetime | None = None
        self.tokens: list[UUID] = []
        self.numbers = 0

    def ask(self, command: Any) -> list[type]:
        """What kinds of events came of it."""
        events = decide(command, self.state)
        self.state = reduce(evolve, events, self.state)
        self.happened += events
        return [type(event) for event in events]

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    @initialize(
        age=st.none() | st.sampled_from([timedelta(0), CODE_LIVES - INSTANT, CODE_LIVES]), exchanges=st.integers(0, 4)
    )
    def begin(self, age: timedelta | None, exchanges: int) -> None:
        """Many begin in the middle of a life: else most would be over before anything happened."""
        code = CODE_ISSUED.__replace__(expires_at=AT + CODE_LIVES)
        self.ask(GrantAuthorization(granted=GRANTED, code=code))
        if age is not None:
            self.now += age
            self.the_code_comes(offline=True)
        for _ in range(exchanges if self.given else 0):
            self.the_good_refresh_token_comes()

    @rule(seconds=st.integers(0, 20))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(boundary=st.sampled_from(["code", "grace", "refresh"]), short_by=st.sampled_from([timedelta(0), INSTANT]))
    def it_comes_to_the_moment_at_which_something_ends(self, boundary: str, short_by: timedelta) -> None:
        ends = {"code": AT + CODE_LIVES, "grace": (self.exchanged_at or AT) + GRACE, "refresh": self.good_until}
        self.now = max(self.now, ends[boundary] - short_by)

    @rule(offline=st.booleans())
    def the_code_comes(self, offline: bool) -> None:
        jti, secret = UUID(int=self.number()), hashed(self.number())
        refresh = NewRefreshToken(hash=secret, expires_at=self.now + REFRESH_LIVES) if offline else None
        kinds = self.ask(RedeemCode(jti=jti, refresh=refresh, at=self.now))
        if self.over:
            assert kinds == []
        elif self.used:
            assert kinds == [CodeReplayed, AuthorizationRevoked]
            self.over = True
        elif self.now < AT + CODE_LIVES:
            assert kinds == [CodeRedeemed, RefreshTokenIssued] if offline else [CodeRedeemed]
            self.used = True
            self.tokens.append(jti)
            self.given += [secret] if offline else []
            self.good_until = self.now + REFRESH_LIVES
        else:
            assert kinds == []

    @precondition(lambda self: self.given)
    @rule()
    def the_good_refresh_token_comes(self) -> None:
        jti, following = UUID(int=self.number()), hashed(self.number())
        kinds = self.ask(RotateRefreshToken(presented=self.given[-1], next=following, jti=jti, at=self.now))
        if self.over or self.now >= self.good_until:
            assert kinds == []
        else:
            assert kinds == [RefreshTokenRotated]
            self.given.append(following)
            self.exchanged_at = self.now
            self.tokens.append(jti)

    @precondition(lambda self: len(self.given) > 1)
    @rule(data=st.data())
    def an_exchanged_refresh_token_comes(self, data: st.DataObject) -> None:
        """A caller who honours the grace asks for nothing: it gives the same answer again."""
        old = data.draw(st.sampled_from(self.given[:-1]))
        lost = isinstance(self.state, Authorized) and may_have_been_lost(old, self.state, self.now)
        if lost:
            return
        kinds = self.ask(self._rotation(old))
        assert kinds == ([] if self.over else [RefreshTokenReplayed, AuthorizationRevoked])
        self.over = True

    @rule()
    def a_refresh_token_that_never_was_comes(self) -> None:
        assert self.ask(self._rotation(hashed(self.number()))) == []

    @rule()
    def it_comes_with_what_is_not_good(self) -> None:
        kinds = self.ask(RefuseRedemption(client_id="oauth_client_other", why="wrong_verifier", at=self.now))
        assert kinds == ([] if self.over else [RedemptionRefused, AuthorizationRevoked])
        self.over = True

    @rule()
    def somebody_revokes_it(self) -> None:
        kinds = self.ask(RevokeAuthorization(why="user", at=self.now))
        assert kinds == ([] if self.over else [AuthorizationRevoked])
        self.over = True

    def _rotation(self, presented: str) -> RotateRefreshToken:
        jti, following = UUID(int=self.number()), hashed(self.number())
        return RotateRefreshToken(presented=presented, next=following, jti=jti, at=self.now)

    def counted(self, *kinds: type) -> int:
        return sum(isinstance(event, kinds) for event in self.happened)

    @invariant()
    def a_code_is_redeemed_at_most_once(self) -> None:
        assert self.counted(CodeRedeemed) == self.used <= 1

    @invariant()
    def every_token_comes_of_a_redemption_or_an_exchange(self) -> None:
        given = [event.jti for event in self.happened if isinstance(event, CodeRedeemed | RefreshTokenRotated)]
        assert given == self.tokens
        assert len(set(given)) == len(given)

    @invariant()
    def it_is_over_once_and_nothing_comes_after_that(self) -> None:
        assert isinstance(self.state, Revoked) == self.over
        assert self.counted(AuthorizationRevoked) == self.over
        if self.over:
            assert isinstance(self.happened[-1], AuthorizationRevoked)

    @invariant()
    def at_most_one_refresh_token_is_good_and_each_before_it_would_be_a_replay(self) -> None:
        alive = not self.over and self.now < self.good_until
        assert self._would(RefreshTokenRotated) == (self.given[-1:] if alive else [])
        assert self._would(RefreshTokenReplayed) == ([] if self.over else self.given[:-1])

    def _would(self, happen: type) -> list[str]:
        """Those of the refresh tokens that this would come of if they came now."""
        return [each for each in self.given if happen in map(type, decide(self._rotation(each), self.state))]

    @invariant()
    def an_answer_may_have_been_lost_only_of_the_last_exchange_and_only_just_now(self) -> None:
        if isinstance(self.state, Authorized):
            maybe = [each for each in self.given if may_have_been_lost(each, self.state, self.now)]
            just_now = self.exchanged_at is not None and self.now - self.exchanged_at < GRACE
            assert maybe == (self.given[-2:-1] if just_now else [])

    @invariant()
    def what_happened_says_what_is(self) -> None:
        assert reduce(evolve, self.happened, AUTHORIZATION.initial) == self.state


TestAnAuthorization = AnAuthorization.TestCase
TestAnAuthorization.settings = settings(max_examples=120, stateful_step_count=30)
