"""What may be asked of a login session, and what comes of asking."""

from functools import reduce

import pytest

from events.session import EndedSession, NoSession, OpenSession, SessionEvent, evolve
from service.commands.handle import SESSION
from service.commands.session import (
    EndSession,
    GiveUpNotifying,
    Reauthenticate,
    ReportNotified,
    ReportUseAfterEnd,
    StartSession,
)
from service.refusals import Contradiction, DoesNotExist
from tests.rules.samples import (
    AT,
    CLIENT_ID,
    CLIENT_NOT_REACHED,
    CLIENT_NOTIFIED,
    DEVICE,
    ENDED_QUIETLY,
    EVENTS,
    LATER,
    PERSON,
    REAUTHENTICATED,
    SESSION_ENDED,
    SESSION_STARTED,
    SOON,
    USED_AFTER_END,
)
from tests.rules.table import outcome, rule

START = StartSession(
    user=PERSON,
    token_hash=SESSION_STARTED.token_hash,
    amr=("pwd",),
    acr="urn:muniment:acr:1",
    device=DEVICE,
    at=AT,
    expires_at=LATER,
)
AGAIN = Reauthenticate(
    token_hash=REAUTHENTICATED.token_hash, amr=("pwd", "otp", "mfa"), acr="urn:muniment:acr:2", at=SOON
)
END = EndSession(why="signed_out", notify=SESSION_ENDED.notify, at=SOON)
END_QUIETLY = EndSession(why="user_disabled", notify=(), at=SOON)
USE = ReportUseAfterEnd(at=LATER)
NOTIFIED = ReportNotified(client_id=CLIENT_ID, at=LATER)
GIVE_UP = GiveUpNotifying(client_id="oauth_client_other", why="HTTP 503", at=LATER)

OPEN, OVER = [SESSION_STARTED], [SESSION_STARTED, SESSION_ENDED]
SILENT = [SESSION_STARTED, ENDED_QUIETLY]
BOTH_TOLD = [*OVER, CLIENT_NOTIFIED, CLIENT_NOT_REACHED]


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], START, [SESSION_STARTED], "somebody logs in"),
        rule(
            [],
            START.__replace__(device=None),
            [SESSION_STARTED.__replace__(device=None)],
            "from a device that nothing is known of",
        ),
        rule(OPEN, START, Contradiction, "a session is started once"),
        rule(OVER, START, Contradiction, "a session that is over is not started again"),
        rule([], AGAIN, DoesNotExist, "nobody logs in again where nobody was"),
        rule(OPEN, AGAIN, [REAUTHENTICATED], "the same person logs in again"),
        rule([*OPEN, REAUTHENTICATED], AGAIN, [REAUTHENTICATED], "and again"),
        rule(OVER, AGAIN, DoesNotExist, "a session that is over cannot be gone on with"),
        rule([], END, [], "what never began need not end"),
        rule(OPEN, END, [SESSION_ENDED], "a session can be ended, and who is to be told is kept"),
        rule(OPEN, END_QUIETLY, [ENDED_QUIETLY], "and there may be nobody to tell"),
        rule([*OPEN, REAUTHENTICATED], END, [SESSION_ENDED], "a session that was renewed can be ended"),
        rule(OVER, END, [], "ending twice changes nothing"),
        rule(OVER, END_QUIETLY, [], "nor does it for another reason: those to be told are still told"),
        rule([], USE, [], "a cookie of no session tells nothing"),
        rule(OPEN, USE, [], "a cookie of an open session is no misuse"),
        rule(OVER, USE, [USED_AFTER_END], "the cookie of a session that is over is remembered"),
        rule([*OVER, USED_AFTER_END], USE, [], "once"),
        rule([*BOTH_TOLD, USED_AFTER_END], USE, [], "and once it stays when clients are told meanwhile"),
        rule([], NOTIFIED, [], "nobody can have been told of a session that was not"),
        rule(OPEN, NOTIFIED, [], "nor of the end of one that is open"),
        rule(SILENT, NOTIFIED, [], "nor a client that was not to be told"),
        rule(OVER, NOTIFIED, [CLIENT_NOTIFIED], "a client is told"),
        rule([*OVER, CLIENT_NOTIFIED], NOTIFIED, [], "once"),
        rule([*OVER, CLIENT_NOTIFIED], GIVE_UP, [CLIENT_NOT_REACHED], "another cannot be reached"),
        rule([], GIVE_UP, [], "nobody gives up on nothing"),
        rule(OPEN, GIVE_UP, [], "nor while the session is open"),
        rule(SILENT, GIVE_UP, [], "nor on a client that was not to be told"),
        rule([*OVER, CLIENT_NOT_REACHED], GIVE_UP, [], "a client is given up once"),
        rule(
            [*OVER, CLIENT_NOT_REACHED],
            ReportNotified(client_id="oauth_client_other", at=LATER),
            [],
            "and hears of it no more",
        ),
        rule([*OVER, USED_AFTER_END], NOTIFIED, [CLIENT_NOTIFIED], "a misuse does not keep clients from being told"),
    ],
)
def test_a_session(given, command, then):
    assert outcome(SESSION, given, command) == then


@pytest.mark.parametrize(
    ("happened", "left"),
    [
        (OVER, (CLIENT_ID, "oauth_client_other")),
        ([*OVER, CLIENT_NOTIFIED], ("oauth_client_other",)),
        ([*OVER, CLIENT_NOT_REACHED], (CLIENT_ID,)),
        (BOTH_TOLD, ()),
    ],
)
def test_who_has_yet_to_be_told_becomes_less_with_each_who_was(happened, left):
    assert reduce(evolve, happened, NoSession()) == EndedSession(user=PERSON, notify=left)


def test_after_logging_in_again_only_the_new_cookie_is_good_and_the_session_lives_no_longer():
    renewed = evolve(evolve(NoSession(), SESSION_STARTED), REAUTHENTICATED)
    assert renewed == OpenSession(user=PERSON, token_hash=REAUTHENTICATED.token_hash, expires_at=LATER)


@pytest.mark.parametrize("event", [e for e in EVENTS if isinstance(e, SessionEvent)], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "state",
    [NoSession(), OpenSession(user=PERSON, token_hash="", expires_at=LATER), EndedSession(user=PERSON, notify=())],
    ids=lambda s: type(s).__name__,
)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert isinstance(evolve(state, event), NoSession | OpenSession | EndedSession)
