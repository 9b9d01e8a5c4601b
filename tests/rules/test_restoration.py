"""A deleted client or bot comes back as it was, but for what the docstrings of the commands name; and nobody gains a right by it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from events.bot import ActiveBot, BotDeleted, DisabledBot
from events.client import (
    Active,
    ClientDeleted,
    ClientDisabled,
    ClientEnabled,
    ClientScopesChanged,
    Disabled,
    Login,
    Unregistered,
    evolve,
    terms_of,
)
from events.client_secret import StoredSecret
from events.codec import decode, encode, type_of
from projections import clients
from service.commands.authority import Holder
from service.commands.client import DeleteClient
from service.commands.handle import BOT, CLIENT
from service.commands.restoration import RestoreBot, RestoreClient
from service.refusals import Contradiction, DoesNotExist, NotPermitted
from service.values.scopes import OPERATORS
from tests.rules.commands import EVERYTHING, happened
from tests.rules.samples import (
    AT,
    BOT_DELETED,
    BOT_DISABLED,
    BOT_DISABLED_BY_OPERATOR,
    BOT_ENABLED,
    BOT_REGISTERED,
    BOT_RESTORED,
    DELETED,
    DISABLED,
    DISABLED_BY_OPERATOR,
    DOCUMENT_URL,
    INTERACTIVE,
    LOGIN_CHANGED,
    NARROWED,
    PUBLIC_REGISTERED,
    REGISTERED,
    RENAMED,
    RESTORED,
    SECRET_ADDED,
    SECRET_REVOKED,
    STREAM,
    secret,
)
from tests.rules.table import outcome, rule

SCOPES = frozenset({"api:public", "crm:read", "clients:write"})
ALICE = Holder(owner="alice", sub="alice", scopes=SCOPES)
POOR_ALICE = Holder(owner="alice", sub="alice", scopes=frozenset())
MALLORY = Holder(owner="mallory", sub="mallory", scopes=SCOPES)
OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS))
NEW = secret(3)
BY_OPERATOR = ClientDeleted(owner="alice", by="operator")


def restore(*then: Any, by: Holder = ALICE, new: StoredSecret | None = NEW) -> RestoreClient:
    """A restoration as of the end of these events, with a new secret, or with the former ones (None)."""
    client: Any = CLIENT.state(then)
    return RestoreClient(by=by, then=client, as_of=1, created_at=AT, secret=new, at=AT)


def back(*deleted: Any, by: Holder = ALICE) -> RestoreBot:
    bot = BOT.state(deleted)
    return RestoreBot(
        by=by,
        email="crm@example.com",
        first_name="Cee",
        last_name=None,
        disabled_by=bot.by if isinstance(bot, DisabledBot) else None,
        as_of=1,
        at=AT,
    )


GONE = [REGISTERED, DELETED]
KEPT = RESTORED.__replace__(secrets=(secret(1),))


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule(GONE, restore(REGISTERED), [RESTORED], "a deleted client comes back with a new secret"),
        rule(GONE, restore(REGISTERED, new=None), [KEPT], "or with the secrets that it had"),
        rule(
            [REGISTERED, SECRET_ADDED, SECRET_REVOKED, DELETED],
            restore(REGISTERED, SECRET_ADDED, new=None),
            [KEPT.__replace__(secrets=(secret(2),), version=5)],
            "a secret that was revoked since stays revoked",
        ),
        rule(
            [REGISTERED, SECRET_REVOKED, DELETED],
            restore(REGISTERED, new=None),
            Contradiction,
            "there must be a secret left to keep",
        ),
        rule(
            [REGISTERED, SECRET_ADDED, DELETED],
            restore(REGISTERED, new=None),
            [KEPT.__replace__(version=4)],
            "a secret that it did not have then does not come back",
        ),
        rule(
            [*GONE, RESTORED, DELETED],
            restore(REGISTERED),
            [RESTORED.__replace__(version=5, restored=2)],
            "each restoration begins another life",
        ),
        rule(
            [REGISTERED, RENAMED, DISABLED, DELETED],
            restore(REGISTERED, RENAMED, DISABLED),
            [RESTORED.__replace__(display_name="CRM", disabled_by="owner", version=5)],
            "a disabled client comes back disabled",
        ),
        rule(
            [PUBLIC_REGISTERED, DELETED],
            restore(PUBLIC_REGISTERED),
            [
                RESTORED.__replace__(
                    grant=INTERACTIVE.grant,
                    display_name=None,
                    redirect_uris=INTERACTIVE.redirect_uris,
                    secrets=(),
                    public=True,
                )
            ],
            "a public client comes back without a secret",
        ),
        rule(GONE, restore(REGISTERED, by=MALLORY), DoesNotExist, "another owner's client is not found"),
        rule([], restore(REGISTERED), DoesNotExist, "nobody's client is not found"),
        rule(GONE, restore(REGISTERED, by=POOR_ALICE), NotPermitted, "nobody restores scopes that they lack"),
        rule(
            [REGISTERED, BY_OPERATOR],
            restore(REGISTERED),
            NotPermitted,
            "what an operator deleted, an owner cannot restore",
        ),
        rule([REGISTERED, BY_OPERATOR], restore(REGISTERED, by=OPERATOR), [RESTORED], "but an operator can"),
        rule(
            [REGISTERED, ClientDeleted(owner="alice")],
            restore(REGISTERED),
            NotPermitted,
            "a deletion that does not say by whom may be an operator's",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR, DELETED],
            restore(REGISTERED),
            NotPermitted,
            "a deletion and a restoration do not enable what an operator disabled",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR, DELETED],
            restore(REGISTERED, DISABLED),
            NotPermitted,
            "nor do they let the owner enable it",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR, DELETED],
            restore(REGISTERED, DISABLED_BY_OPERATOR),
            [RESTORED.__replace__(disabled_by="operator", version=4)],
            "it comes back disabled by the operator",
        ),
        rule(
            [INTERACTIVE, LOGIN_CHANGED, DELETED],
            restore(INTERACTIVE, LOGIN_CHANGED),
            NotPermitted,
            "only an operator restores a client that asks users for no consent",
        ),
        rule([REGISTERED, RENAMED], restore(REGISTERED, RENAMED), [], "a client that is as it was does not change"),
        rule(
            [REGISTERED, NARROWED, DISABLED],
            restore(REGISTERED),
            [ClientScopesChanged(scopes=("api:public",), was=()), ClientEnabled()],
            "the changes since then are undone",
        ),
        rule(
            [REGISTERED, NARROWED],
            restore(REGISTERED, by=POOR_ALICE),
            NotPermitted,
            "scopes that the caller lacks are refused as usual",
        ),
        rule(
            [REGISTERED, SECRET_ADDED],
            restore(REGISTERED, DISABLED),
            [ClientDisabled(by="owner")],
            "secrets stay as they are, and what was disabled is disabled",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR],
            restore(REGISTERED),
            NotPermitted,
            "an owner cannot go back to before an operator disabled it",
        ),
    ],
)
def test_a_client(given, command, then):
    assert outcome(CLIENT, given, command) == then


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([BOT_REGISTERED, BOT_DELETED], back(BOT_REGISTERED), [BOT_RESTORED], "a deleted bot comes back"),
        rule(
            [BOT_REGISTERED, BOT_DISABLED, BOT_DELETED],
            back(BOT_REGISTERED, BOT_DISABLED),
            [BOT_RESTORED.__replace__(disabled_by="owner")],
            "a disabled bot comes back disabled",
        ),
        rule(
            [BOT_REGISTERED, BOT_DELETED],
            back(BOT_REGISTERED, by=MALLORY),
            DoesNotExist,
            "another owner's is not found",
        ),
        rule(
            [BOT_REGISTERED, BotDeleted(owner="alice", by="operator")],
            back(BOT_REGISTERED),
            NotPermitted,
            "what an operator deleted, an owner cannot restore",
        ),
        rule(
            [BOT_REGISTERED, BotDeleted(owner="alice")],
            back(BOT_REGISTERED),
            NotPermitted,
            "a deletion that does not say by whom may be an operator's",
        ),
        rule(
            [BOT_REGISTERED, BOT_DISABLED_BY_OPERATOR, BOT_DELETED],
            back(BOT_REGISTERED),
            NotPermitted,
            "nor does it come back enabled if an operator had disabled it",
        ),
        rule([BOT_REGISTERED, BOT_DISABLED], back(BOT_REGISTERED), [BOT_ENABLED], "a bot that was active is enabled"),
        rule([BOT_REGISTERED], back(BOT_REGISTERED, BOT_DISABLED), [BOT_DISABLED], "one that was not is disabled"),
    ],
)
def test_a_bot(given, command, then):
    assert outcome(BOT, given, command) == then


@settings(max_examples=60)
@given(EVERYTHING["client"].histories, st.booleans())
def test_a_client_that_is_deleted_and_restored_is_what_it_was_but_for_its_life_and_a_new_secret(commands, keep):
    events, states = happened(CLIENT, commands)
    before = states[-1]
    if not isinstance(before, Active | Disabled):
        return
    keep = keep and bool(terms_of(before).secrets)
    deletion = CLIENT.decide(DeleteClient(by=OPERATOR), before)
    command = RestoreClient(
        by=OPERATOR.__replace__(scopes=OPERATOR.scopes | SCOPES),
        then=before,
        as_of=len(events),
        created_at=AT,
        secret=None if keep else secret(9),
        at=AT,
        client_id=DOCUMENT_URL if terms_of(before).document else UNSET,
    )
    restoration = CLIENT.decide(command, evolve(before, deletion[0]))
    assert [decode(type_of(event), 1, encode(event)) for event in restoration] == restoration
    after: Any = evolve(evolve(before, deletion[0]), restoration[0])
    was, now = terms_of(before), terms_of(after)
    assert type(after) is type(before)
    assert now == was.__replace__(
        version=was.version + 2,
        restored=was.restored + 1,
        secrets=was.secrets if keep or was.public else (secret(9),),
    )
    row: Any = clients.TABLE.fold(STREAM, events)
    again = clients.TABLE.fold(STREAM, [*events, *deletion, *restoration])
    assert again == row.__replace__(version=row.version + 2, restored=now.restored, secrets=now.secrets, created_at=AT)


def undoable(states: Sequence[Any]) -> list[Any]:
    """The earlier states of the client's present life that the API could have made: an interactive client has a redirect URI."""
    now = states[-1]
    if not isinstance(now, Active | Disabled):
        return []
    clients_then = [state for state in states if isinstance(state, Active | Disabled)]
    same_life = [state for state in clients_then if terms_of(state).restored == terms_of(now).restored]
    possible = [state for state in same_life if terms_of(state).redirect_uris or not terms_of(now).redirect_uris]
    if terms_of(now).document is None:
        return possible
    return [state for state in possible if said_by_the_document(terms_of(state)) == said_by_the_document(terms_of(now))]


def said_by_the_document(terms: Active) -> tuple[Any, ...]:
    return terms.display_name, terms.redirect_uris, terms.login


@settings(max_examples=60)
@given(EVERYTHING["client"].histories, st.integers(0, 99))
def test_an_undone_client_has_the_settings_and_the_state_that_it_had_then(commands, which):
    _, states = happened(CLIENT, commands)
    candidates, now = undoable(states), states[-1]
    if not candidates:
        return
    then = candidates[which % len(candidates)]
    by = OPERATOR.__replace__(scopes=OPERATOR.scopes | SCOPES)
    after: Any = now
    for event in CLIENT.decide(RestoreClient(by=by, then=then, as_of=1, created_at=AT, secret=None, at=AT), now):
        after = evolve(after, event)
    assert type(after) is type(then)
    undone, wanted = terms_of(after), terms_of(then)
    assert set(undone.scopes) == set(wanted.scopes)
    assert undone == wanted.__replace__(
        scopes=undone.scopes,
        secrets=terms_of(now).secrets,
        version=undone.version,
        restored=undone.restored,
        document=terms_of(now).document,
        keys=terms_of(now).keys,
    )


def test_a_restored_client_says_everything_that_it_is():
    assert evolve(CLIENT.state(GONE), RESTORED) == Active(
        owner="alice",
        grant=REGISTERED.grant,
        display_name="Production CRM Integration",
        redirect_uris=(),
        scopes=("api:public",),
        secrets=(secret(3),),
        login=Login(),
        version=3,
        restored=1,
    )
    assert evolve(Unregistered(), DELETED) == Unregistered()
    assert BOT.state([BOT_REGISTERED, BOT_DELETED, BOT_RESTORED]) == ActiveBot(owner="alice")
