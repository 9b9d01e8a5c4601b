"""What may be asked of a client, and what comes of asking."""

from uuid import UUID

import pytest

from events.client import (
    Active,
    ClientCredentials,
    ClientDisplayNameChanged,
    ClientEvent,
    ClientRedirectUrisChanged,
    ClientScopesChanged,
    Deleted,
    Disabled,
    Unregistered,
    evolve,
)
from events.client_secret import ClientSecretAdded, ClientSecretRevoked
from service.commands.client import (
    AddSecret,
    ChangeClient,
    DeleteClient,
    DisableClient,
    EnableClient,
    Holder,
    RegisterClient,
    RevokeSecret,
    decide,
)
from service.commands.handle import CLIENT
from service.commands.secret import MOST_SECRETS, RehashSecret
from service.refusals import Contradiction, DoesNotExist, InvalidValue, NotPermitted
from tests.rules.samples import (
    AT,
    BOT_REGISTERED,
    DELETED,
    DISABLED,
    DISABLED_BY_OPERATOR,
    ENABLED,
    EVENTS,
    IMPORTED,
    INTERACTIVE,
    LATER,
    MOVED,
    NARROWED,
    REGISTERED,
    RENAMED,
    REVOKED,
    SECRET_ADDED,
    SECRET_EXPIRING,
    SECRET_IMPORTED,
    SECRET_REHASHED,
    SECRET_REVOKED,
    secret,
)
from tests.rules.table import outcome, rule

ALICE = Holder(owner="alice", sub="alice", scopes=frozenset({"clients:write", "api:public", "crm:read"}))
MALLORY = Holder(owner="mallory", sub="mallory", scopes=frozenset({"clients:write", "api:public", "crm:read"}))
OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset({"clients:write", "operate", "crm:read", "bots:write"}))

REGISTER = RegisterClient(
    owner="alice",
    grant=REGISTERED.grant,
    display_name=REGISTERED.display_name,
    redirect_uris=(),
    scopes=("api:public",),
    secret=secret(1),
    at=AT,
)
REGISTER_INTERACTIVE = REGISTER.__replace__(
    grant=INTERACTIVE.grant, display_name=None, redirect_uris=INTERACTIVE.redirect_uris
)
IMPORT = REGISTER.__replace__(by=OPERATOR, client_id="crm-sync", secret=SECRET_IMPORTED)
REHASH = RehashSecret(secret_id=SECRET_REHASHED.secret_id, hash=SECRET_REHASHED.hash, hint=SECRET_REHASHED.hint)
DISABLE, ENABLE, DELETE = DisableClient(by=ALICE), EnableClient(by=ALICE), DeleteClient(by=ALICE)
RENAME = ChangeClient(by=ALICE, display_name="CRM")
ADD = AddSecret(by=ALICE, secret=secret(9), at=AT)
ROTATE = ADD.__replace__(others_expire_at=LATER)
REVOKE = RevokeSecret(by=ALICE, secret_id=UUID(int=1))
ADDED = ClientSecretAdded(secret=secret(9))

ENDING = REGISTERED.__replace__(secret=secret(1, expires_at=LATER))
OF_ALICE = REGISTERED.__replace__(grant=ClientCredentials(bot_user_id="alice"))
FULL = [REGISTERED, *(ClientSecretAdded(secret=secret(n)) for n in range(2, MOST_SECRETS + 1))]
BOTS_TOO = REGISTERED.__replace__(scopes=("api:public", "bots:write"))
ALL_BUT_THE_FIRST_EXPIRED = [
    REGISTERED,
    *(ClientSecretAdded(secret=secret(n, expires_at=AT)) for n in range(2, MOST_SECRETS + 1)),
]
ONE_EXPIRED = [*FULL[:-1], ClientSecretAdded(secret=secret(MOST_SECRETS, expires_at=AT))]


def scopes(*names: str, by: Holder = ALICE) -> ChangeClient:
    return ChangeClient(by=by, scopes=names)


def changed(*names: str) -> list[ClientScopesChanged]:
    return [ClientScopesChanged(scopes=names, was=("api:public",))]


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], REGISTER, [REGISTERED], "a new client is registered"),
        rule([], REGISTER_INTERACTIVE, [INTERACTIVE], "an interactive client is registered"),
        rule(
            [],
            REGISTER_INTERACTIVE.__replace__(redirect_uris=("cursor://callback",)),
            InvalidValue,
            "a short scheme is not for a confidential client",
        ),
        rule([REGISTERED], REGISTER, Contradiction, "a client is registered once"),
        rule([REGISTERED, DISABLED], REGISTER, Contradiction, "a disabled client is not registered again"),
        rule([REGISTERED, DELETED], REGISTER, Contradiction, "a deleted client_id is never used again"),
        rule([REGISTERED], DISABLE, [DISABLED], "a client can be disabled"),
        rule([REGISTERED, DISABLED], DISABLE, [], "disabling twice changes nothing"),
        rule([REGISTERED, DISABLED], ENABLE, [ENABLED], "a disabled client can be enabled"),
        rule([REGISTERED], ENABLE, [], "enabling an active client changes nothing"),
        rule([REGISTERED, DISABLED, ENABLED], DISABLE, [DISABLED], "an enabled client can be disabled again"),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR],
            ENABLE,
            NotPermitted,
            "its owner cannot enable what an operator disabled",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR, RENAMED],
            ENABLE,
            NotPermitted,
            "nor once something else about it was changed",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR],
            EnableClient(by=OPERATOR),
            [ENABLED],
            "an operator can enable what an operator disabled",
        ),
        rule([REGISTERED, DISABLED], EnableClient(by=OPERATOR), [ENABLED], "and what its owner disabled"),
        rule(
            [REGISTERED, DISABLED],
            DisableClient(by=OPERATOR),
            [DISABLED_BY_OPERATOR],
            "an operator's disable holds over its owner's",
        ),
        rule([REGISTERED, DISABLED_BY_OPERATOR], DISABLE, [], "an owner's does not weaken an operator's"),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR],
            DisableClient(by=OPERATOR),
            [],
            "an operator who disables twice changes nothing",
        ),
        rule(
            [REGISTERED, DISABLED_BY_OPERATOR, ENABLED, DISABLED],
            ENABLE,
            [ENABLED],
            "once an operator has enabled it, its owner decides again",
        ),
        rule([REGISTERED, DISABLED_BY_OPERATOR], DELETE, [DELETED], "its owner can delete what an operator disabled"),
        rule([REGISTERED], DELETE, [DELETED], "a client can be deleted"),
        rule([REGISTERED, DISABLED], DELETE, [DELETED], "a disabled client can be deleted"),
        rule([REGISTERED], RENAME, [RENAMED], "a client can be called something else"),
        rule([REGISTERED, RENAMED], RENAME, [], "calling it what it is called changes nothing"),
        rule([REGISTERED, DISABLED], RENAME, [RENAMED], "a disabled client can be called something else"),
        rule(
            [REGISTERED],
            ChangeClient(by=ALICE, display_name=None),
            [ClientDisplayNameChanged(display_name=None, was="Production CRM Integration")],
            "a name can be taken away",
        ),
        rule([REGISTERED], ChangeClient(by=ALICE), [], "a change of nothing changes nothing"),
        rule(
            [REGISTERED],
            ChangeClient(by=ALICE, redirect_uris=MOVED.redirect_uris),
            [MOVED],
            "redirect URIs can be changed",
        ),
        rule(
            [REGISTERED, MOVED],
            ChangeClient(by=ALICE, redirect_uris=MOVED.redirect_uris),
            [],
            "to the same ones changes nothing",
        ),
        rule(
            [INTERACTIVE],
            ChangeClient(by=ALICE, redirect_uris=()),
            Contradiction,
            "an interactive client keeps a redirect URI",
        ),
        rule(
            [REGISTERED, MOVED],
            ChangeClient(by=ALICE, redirect_uris=()),
            [ClientRedirectUrisChanged(redirect_uris=(), was=MOVED.redirect_uris)],
            "a machine needs no redirect URI",
        ),
        rule(
            [REGISTERED],
            ChangeClient(by=ALICE, display_name="CRM", redirect_uris=MOVED.redirect_uris, scopes=()),
            [RENAMED, MOVED, NARROWED],
            "several changes are several events",
        ),
        rule(
            [REGISTERED],
            scopes("api:public", "crm:read"),
            changed("api:public", "crm:read"),
            "a scope that the caller holds can be given",
        ),
        rule([REGISTERED], scopes("crm:write"), NotPermitted, "a scope that the caller does not hold cannot be given"),
        rule([REGISTERED], scopes("crm:read", "operate"), NotPermitted, "one that is not held spoils all"),
        rule([REGISTERED], scopes(), changed(), "any scope can be taken away"),
        rule([REGISTERED, NARROWED], scopes(), [], "taking away what is not there changes nothing"),
        rule(
            [REGISTERED.__replace__(scopes=("x", "api:public"))],
            scopes("x", "api:public", "crm:read"),
            [ClientScopesChanged(scopes=("x", "api:public", "crm:read"), was=("x", "api:public"))],
            "what the client has already need not be held",
        ),
        rule([REGISTERED.__replace__(scopes=("a", "b"))], scopes("b", "a"), [], "the order of scopes means nothing"),
        rule(
            [REGISTERED],
            scopes("clients:write"),
            NotPermitted,
            "scopes of this API do not go to who acts as somebody else",
        ),
        rule(
            [OF_ALICE],
            scopes("api:public", "clients:write"),
            changed("api:public", "clients:write"),
            "they go to who acts as oneself",
        ),
        rule(
            [REGISTERED],
            scopes("api:public", "clients:write", by=OPERATOR),
            changed("api:public", "clients:write"),
            "an operator gives them to anyone",
        ),
        rule(
            [REGISTERED],
            scopes("api:public", "users:write", by=OPERATOR),
            NotPermitted,
            "an operator too gives only scopes of this API that it holds",
        ),
        rule(
            [REGISTERED],
            scopes("api:public", "crm:write", by=OPERATOR),
            changed("api:public", "crm:write"),
            "an operator gives any scope of another API",
        ),
        rule(
            [REGISTERED],
            scopes("introspect:all", by=ALICE.__replace__(scopes=frozenset({"introspect:all"}))),
            NotPermitted,
            "nobody passes on that they may look into tokens of others",
        ),
        rule(
            [REGISTERED],
            scopes("introspect:https://crm.example.com", by=OPERATOR),
            changed("introspect:https://crm.example.com"),
            "an operator gives that",
        ),
        rule([INTERACTIVE], scopes("clients:write"), NotPermitted, "nor do they go to who acts as nobody yet"),
        rule([REGISTERED], ADD, [ADDED], "a second secret can be added"),
        rule([REGISTERED, DISABLED], ADD, [ADDED], "a disabled client can be given one"),
        rule(FULL, ADD, Contradiction, "there is a most number of live secrets"),
        rule(
            FULL,
            ADD.__replace__(others_expire_at=AT),
            [ADDED, *(ClientSecretRevoked(secret_id=UUID(int=n)) for n in range(1, MOST_SECRETS + 1))],
            "secrets that the same command revokes do not count",
        ),
        rule(FULL, ROTATE, Contradiction, "secrets that it only gives an end count"),
        rule(
            ONE_EXPIRED,
            ADD,
            [ClientSecretRevoked(secret_id=UUID(int=MOST_SECRETS)), ADDED],
            "an expired secret does not count, and goes when the next one comes",
        ),
        rule(
            ALL_BUT_THE_FIRST_EXPIRED,
            ADD,
            [*(ClientSecretRevoked(secret_id=UUID(int=n)) for n in range(2, MOST_SECRETS + 1)), ADDED],
            "all expired ones go, oldest first, before the new one comes",
        ),
        rule([BOTS_TOO], ADD, NotPermitted, "who may do less than the client gets no secret of it"),
        rule(
            [BOTS_TOO],
            ADD.__replace__(by=ALICE.__replace__(scopes=ALICE.scopes | {"bots:write"})),
            [ADDED],
            "who may do as much gets one",
        ),
        rule(
            [REGISTERED.__replace__(scopes=("api:public", "crm:write"))],
            ADD,
            NotPermitted,
            "a scope of another API must be held for it, too",
        ),
        rule(
            [REGISTERED.__replace__(scopes=("api:public", "crm:write"))],
            ADD.__replace__(by=OPERATOR),
            [ADDED],
            "an operator needs no scope of another API for it",
        ),
        rule(
            [REGISTERED.__replace__(scopes=("users:write",))],
            ADD.__replace__(by=OPERATOR),
            NotPermitted,
            "but all those of this API",
        ),
        rule(
            [],
            REGISTER.__replace__(by=ALICE, scopes=("crm:write",)),
            NotPermitted,
            "no client is registered with more than the caller holds",
        ),
        rule(
            [],
            REGISTER.__replace__(by=ALICE, scopes=("clients:write",)),
            NotPermitted,
            "nor as somebody else with a scope of this API",
        ),
        *(
            rule(
                [],
                REGISTER.__replace__(by=by, grant=ClientCredentials(bot_user_id=name)),
                NotPermitted,
                f"nobody acts as {name!r}, by {by and by.sub}",
            )
            for by in (None, ALICE, OPERATOR)
            for name in ("muniment", " Muniment", "MUNIMENT\u3000")
        ),
        rule([*FULL, SECRET_REVOKED], ADD, [ADDED], "a revoked secret does not count"),
        rule([REGISTERED], ROTATE, [ADDED, SECRET_EXPIRING], "a rotation gives the other secrets an end"),
        rule([ENDING], ROTATE, [ADDED], "but none that ends sooner, or at that time"),
        rule(
            [REGISTERED, DISABLED],
            ROTATE,
            [ADDED, SECRET_EXPIRING],
            "the secrets of a disabled client are rotated, too",
        ),
        rule(
            [REGISTERED],
            ROTATE.__replace__(others_expire_at=AT),
            [ADDED, SECRET_REVOKED],
            "a rotation without overlap revokes the other secrets",
        ),
        rule([], IMPORT, [IMPORTED], "an operator brings a client along, with its id and the hash of its secret"),
        rule([], IMPORT.__replace__(by=ALICE), NotPermitted, "nobody else does"),
        rule([IMPORTED, DELETED], IMPORT, Contradiction, "an id that was brought along is used once, too"),
        rule(
            [IMPORTED], REHASH, [SECRET_REHASHED], "a secret that was brought along is hashed as ours once it is proved"
        ),
        rule([IMPORTED, DISABLED], REHASH, [SECRET_REHASHED], "of a disabled client, too"),
        rule([IMPORTED, SECRET_REHASHED], REHASH, [], "by one process alone"),
        rule([IMPORTED, SECRET_REVOKED], REHASH, [], "not once it was revoked"),
        rule([REGISTERED], REHASH, [], "nor one of ours"),
        rule([REGISTERED], REVOKE, [SECRET_REVOKED], "a secret can be revoked, even the last"),
        rule([REGISTERED, SECRET_REVOKED], REVOKE, DoesNotExist, "a secret is revoked once"),
        rule([REGISTERED, SECRET_ADDED, SECRET_REVOKED], ADD, [ADDED], "secrets come and go"),
        rule(
            [REGISTERED, SECRET_ADDED],
            RevokeSecret(by=ALICE, secret_id=UUID(int=2)),
            [ClientSecretRevoked(secret_id=UUID(int=2))],
            "any of several secrets can be revoked",
        ),
        rule(
            [REGISTERED],
            RevokeSecret(by=ALICE, secret_id=UUID(int=77)),
            DoesNotExist,
            "a secret that is not the client's is not found",
        ),
        *(
            rule(given, command.__replace__(by=by), DoesNotExist, f"{who} and {type(command).__name__}: not found")
            for command in (DISABLE, ENABLE, DELETE, RENAME, ADD, REVOKE)
            for given, by, who in (
                ([], ALICE, "nobody's client"),
                ([REGISTERED, DELETED], ALICE, "a deleted client"),
                ([REGISTERED], MALLORY, "another owner's client"),
                ([REGISTERED, DISABLED], MALLORY, "another owner's disabled client"),
                ([BOT_REGISTERED], OPERATOR, "a bot's id"),
                ([REVOKED], OPERATOR, "a token's id"),
            )
        ),
        *(
            rule([REGISTERED], command.__replace__(by=OPERATOR), then, f"an operator may: {type(command).__name__}")
            for command, then in (
                (DISABLE, [DISABLED_BY_OPERATOR]),
                (DELETE, [DELETED.__replace__(by="operator")]),
                (RENAME, [RENAMED]),
                (ADD, [ADDED]),
                (REVOKE, [SECRET_REVOKED]),
            )
        ),
    ],
)
def test_a_client(given, command, then):
    assert outcome(CLIENT, given, command) == then


def test_what_is_refused_is_said_in_a_sentence_that_names_it():
    state = evolve(Unregistered(), REGISTERED)
    with pytest.raises(NotPermitted, match="your token lacks: crm:write operate"):
        decide(scopes("operate", "crm:write"), state)


def test_a_secret_that_was_proved_is_kept_as_ours_are():
    proved = evolve(evolve(Unregistered(), IMPORTED), SECRET_REHASHED)
    assert isinstance(proved, Active)
    assert proved.secrets == (secret(1),)


def test_a_registered_client_is_what_it_was_registered_as():
    assert evolve(Unregistered(), REGISTERED) == Active(
        owner="alice",
        grant=ClientCredentials(bot_user_id="bot-abc123"),
        display_name="Production CRM Integration",
        redirect_uris=(),
        scopes=("api:public",),
        secrets=(secret(1),),
    )


def test_a_disabled_client_keeps_what_it_was_and_takes_part_in_changes():
    active = evolve(Unregistered(), REGISTERED)
    disabled = evolve(active, DISABLED)
    assert isinstance(active, Active)
    assert disabled == Disabled(was=active.__replace__(version=2), by="owner")
    renamed = evolve(active, RENAMED)
    assert isinstance(renamed, Active)
    assert evolve(evolve(disabled, RENAMED), ENABLED) == renamed.__replace__(version=4)


STATES = [
    Unregistered(),
    evolve(Unregistered(), REGISTERED),
    evolve(evolve(Unregistered(), INTERACTIVE), DISABLED),
    evolve(evolve(Unregistered(), REGISTERED), DELETED),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
@pytest.mark.parametrize(
    "event", [event for event in EVENTS if isinstance(event, ClientEvent)], ids=lambda e: type(e).__name__
)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert isinstance(evolve(state, event), Unregistered | Active | Disabled | Deleted)


def test_nothing_brings_a_deleted_client_back_but_a_restoration():
    deleted = evolve(evolve(Unregistered(), REGISTERED), DELETED)
    for event in (RENAMED, MOVED, NARROWED, SECRET_ADDED, SECRET_REVOKED, DISABLED, ENABLED, DELETED):
        assert evolve(deleted, event) == deleted
