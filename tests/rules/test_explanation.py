"""Why there is a token is read off the events of what it relies on, as they were when it was issued."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from events.client import ClientScopesChanged
from events.codec import Event, Recorded
from events.issuance import NO_SECRET, TokenIssued
from projections.catch_up import Issuance
from service.provenance.answer import Provenance
from service.provenance.explanation import Sources, explain, positions
from tests.rules.samples import (
    ACTIVATED,
    APIS_CHANGED,
    AT,
    AUTHORIZATION_REVOKED,
    BOT_DISABLED,
    BOT_ENABLED,
    BOT_REGISTERED,
    CODE_ISSUED,
    CODE_REDEEMED,
    CONSENT_GIVEN,
    CONSENT_WITHDRAWN,
    CRM,
    DELETED,
    DISABLED,
    ENABLED,
    GRANTED,
    INTERACTIVE,
    PUBLISHED,
    REAUTHENTICATED,
    REFRESH_ISSUED,
    REFRESH_ROTATED,
    REGISTERED,
    RENAMED,
    REVOKED,
    SECRET,
    SECRET_ADDED,
    SECRET_REVOKED,
    SESSION_ENDED,
    SESSION_STARTED,
    STREAM,
    USER_REGISTERED,
    USER_VERIFIED,
)
from tests.rules.test_telling import recorded

JTI = UUID("0192f000-0000-7000-8000-0000000000a1")
AUTHORIZATION = UUID("0192f000-0000-7000-8000-0000000000a2")
BOT = f"bot_{STREAM.hex}"
GAINED = ClientScopesChanged(scopes=("api:public", "crm:read"), was=("api:public",))
LOST = ClientScopesChanged(scopes=("crm:read",), was=("api:public", "crm:read"))
REGAINED = ClientScopesChanged(scopes=("crm:read", "api:public"), was=("crm:read",))


def past(first: int, *events: Event) -> Sequence[Recorded]:
    """These events of one stream, at consecutive positions from `first` on; the position is the second in which it happened."""
    return [
        recorded(event).__replace__(
            position=first + number, version=number + 1, recorded_at=AT + timedelta(seconds=first + number)
        )
        for number, event in enumerate(events)
    ]


def token(at: int, scope: str = "api:public", *, jti: UUID = JTI, login: bool = False, sub: str = BOT) -> Issuance:
    issued = TokenIssued(
        sub=sub, scope=scope, kid="key-1", exp=2_000_000_000, authorization=AUTHORIZATION if login else None
    )
    secret = NO_SECRET if login else SECRET.secret_id
    return Issuance(
        position=7, issued_at=AT + timedelta(seconds=at), client=STREAM, secret=secret, jti=jti, token=issued
    )


def given(answer: Provenance) -> dict[str, list[int]]:
    return {scope.scope: [event.position for event in scope.given] for scope in answer.scopes}


def test_a_machine_token_relies_on_its_secret_client_bot_and_key_as_they_were_when_it_was_issued():
    sources = Sources(
        token=token(30),
        client=[*past(10, REGISTERED, SECRET_ADDED, RENAMED), *past(40, SECRET_REVOKED)],
        bot=past(20, BOT_REGISTERED),
        key=past(1, PUBLISHED, ACTIVATED),
    )
    answer = explain(sources)
    assert (answer.client.version, answer.client.last_change.position, answer.client.display_name) == (3, 12, "CRM")
    assert answer.secret is not None
    assert (answer.secret.name, answer.secret.added.position) == ("no. 1", 10)
    assert answer.secret.revoked is not None
    assert answer.secret.revoked.position == 40
    assert answer.bot is not None
    assert [event.position for event in answer.bot.events] == [20]
    assert [event.type for event in answer.signing_key.events] == ["signing_key.published", "signing_key.activated"]
    assert given(answer) == {"api:public": [10]}
    assert (answer.login, answer.stopped) == (None, [])
    assert positions(sources) == [1, 2, 10, 11, 12, 20, 40]


def test_a_scope_is_given_by_the_event_since_which_the_client_has_had_it():
    client = past(10, REGISTERED, GAINED, LOST, REGAINED, LOST)
    assert given(explain(Sources(token=token(11, "api:public crm:read"), client=client))) == {
        "api:public": [10],
        "crm:read": [11],
    }
    assert given(explain(Sources(token=token(13, "api:public crm:read"), client=client))) == {
        "api:public": [13],
        "crm:read": [11],
    }


def test_a_scope_of_an_api_is_given_by_the_grant_of_that_api():
    client = past(10, REGISTERED.__replace__(scopes=("crm:read",)), APIS_CHANGED)
    for audience, position in ((None, 10), (CRM, 11), (f"urn:erp {CRM}", 11), ("urn:erp", 10)):
        issued = token(12, "crm:read")
        issued = issued.__replace__(token=issued.token.__replace__(audience=audience))
        assert given(explain(Sources(token=issued, client=client))) == {"crm:read": [position]}


def test_a_login_token_relies_on_consent_session_authorization_and_the_exchanges_before_its_own():
    first, second = CODE_REDEEMED.jti, REFRESH_ROTATED.jti
    sources = Sources(
        token=token(70, "openid crm:read", jti=second, login=True),
        client=past(10, INTERACTIVE),
        user=past(20, USER_REGISTERED, USER_VERIFIED),
        session=[*past(30, SESSION_STARTED, REAUTHENTICATED), *past(80, SESSION_ENDED)],
        consents=[
            [*past(40, CONSENT_GIVEN, CONSENT_WITHDRAWN), *past(42, CONSENT_GIVEN), *past(81, CONSENT_WITHDRAWN)]
        ],
        authorization=past(50, GRANTED, CODE_ISSUED, CODE_REDEEMED, REFRESH_ISSUED, REFRESH_ROTATED),
    )
    answer = explain(sources)
    login = answer.login
    assert login is not None
    assert (login.user_id, login.session_id, login.amr, login.acr) == (
        GRANTED.user,
        GRANTED.session,
        ["pwd"],
        GRANTED.acr,
    )
    assert [event.position for event in login.authenticated] == [30, 31]
    assert login.exchanged is not None
    assert login.exchanged.position == 54
    assert [(parent.jti, parent.exchanged.position) for parent in login.parents] == [(first, 52)]
    assert given(answer) == {"openid": [42], "crm:read": [42]}
    assert (answer.secret, answer.bot) == (None, None)
    assert positions(sources) == [10, 20, 30, 31, 40, 41, 42, *range(50, 55), 80, 81]


def stopped(**sources: Any) -> list[str]:
    all_of: dict[str, Any] = {"client": past(10, REGISTERED), **sources}
    return [event.type for event in explain(Sources(token=token(12), **all_of)).stopped]


def test_what_has_stopped_a_token_is_named_while_it_does():
    assert stopped(revocation=past(20, REVOKED)) == ["access_token.revoked"]
    assert stopped(authorization=past(20, AUTHORIZATION_REVOKED)) == ["authorization.revoked"]
    assert stopped(client=past(10, REGISTERED, DISABLED)) == ["client.disabled"]
    assert stopped(client=past(10, REGISTERED, DISABLED, ENABLED)) == []
    assert stopped(client=past(10, REGISTERED, DISABLED, DELETED)) == ["client.deleted"]
    assert stopped(bot=past(20, BOT_REGISTERED, BOT_DISABLED)) == ["bot.disabled"]
    assert stopped(bot=past(20, BOT_REGISTERED, BOT_DISABLED, BOT_ENABLED)) == []


def test_a_token_is_explained_although_the_clock_was_set_back_after_its_client_was_registered():
    answer = explain(Sources(token=token(5), client=past(10, REGISTERED, SECRET_ADDED)))
    assert (answer.client.version, given(answer)) == (1, {"api:public": [10]})
