"""What holds of every aggregate, whatever it was asked: the laws that a replay rests on."""

from collections.abc import Callable
from functools import reduce
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from events.access_token import RevokedToken, UnrevokedToken
from events.api import DeletedApi, RegisteredApi, UnregisteredApi
from events.audit_read import AuditReadEvent
from events.authorization import Authorized, Revoked, Unauthorized
from events.bot import ActiveBot, DeletedBot, DisabledBot, UnregisteredBot
from events.client import Active, AuthorizationCode, ClientCredentials, Deleted, Disabled, Login, Unregistered
from events.codec import TYPES, decode, encode, tags, type_of
from events.consent import Consented, NoConsent
from events.device_authorization import Approved, Denied, NotRequested, Waiting
from events.exchange import Exchanged, NoExchange
from events.initial_access_token import (
    Allowance,
    NoInitialAccessToken,
    RevokedInitialAccessToken,
    UsableInitialAccessToken,
)
from events.refusal import RefusalEvent
from events.retention import RetentionEvent
from events.revocation import RevocationEvent
from events.session import EndedSession, NoSession, OpenSession
from events.signing_key import ActiveKey, PublishedKey, RetiredKey, UnknownKey
from events.trusted_issuer import ActiveIssuer, DeletedIssuer, DisabledIssuer, UnknownIssuer
from events.user import ActiveUser, DisabledUser, ErasedUser, UnregisteredUser
from projections.registry import INLINE
from projections.table import record
from service.commands.api import DeleteApi
from service.commands.api_grants import WithdrawApi
from service.commands.authorization import RevokeAuthorization
from service.commands.bot import DeleteBot, DisableBot
from service.commands.client import DeleteClient, DisableClient, RehashSecret, RevokeKey, RevokeSecret
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.commands.consent import WithdrawConsent
from service.commands.initial_access_token import RevokeInitialAccessToken
from service.commands.session import EndSession, GiveUpNotifying, ReportNotified
from service.commands.trusted_issuer import DeleteTrustedIssuer, DisableTrustedIssuer
from service.commands.user import DisableUser, EraseUser, TakeRole
from tests.rules.commands import EVERYTHING, happened
from tests.rules.lives import LIVES
from tests.rules.samples import EVENTS, STREAM

HISTORIES = st.sampled_from(sorted(EVERYTHING)).flatmap(
    lambda name: EVERYTHING[name].histories.map(lambda commands: (EVERYTHING[name].aggregate, commands))
)


def law(test: Callable[[Any], None]) -> Callable[[], None]:
    """Holds of histories made by chance, and of those in which every command is asked and every event happens."""
    for name, lives in LIVES.items():
        for commands in lives:
            test = example(history=(EVERYTHING[name].aggregate, commands))(test)
    return settings(max_examples=80)(given(HISTORIES)(test))


def commands_of(name: str) -> frozenset[type]:
    asked = get_type_hints(EVERYTHING[name].aggregate.decide)["command"]
    return frozenset(get_args(asked) or (asked,))


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_command_that_decide_takes_is_made_by_chance_and_in_a_certain_history(name: str):
    assert frozenset(EVERYTHING[name].commands) == commands_of(name)
    assert frozenset(type(command) for life in LIVES[name] for command in life) == commands_of(name)


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_event_of_an_aggregate_happens_in_a_certain_history(name: str):
    aggregate = EVERYTHING[name].aggregate
    assert {type_of(event) for life in LIVES[name] for event in happened(aggregate, life)[0]} == aggregate.table.tags


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_command_says_whether_a_stream_that_is_too_long_takes_it(name: str):
    for command in commands_of(name):
        assert issubclass(command, OrdinaryCommand) != issubclass(command, StoppingCommand)


def test_a_stream_that_is_too_long_takes_these_commands_alone():
    stopping = {each for name in EVERYTHING for each in commands_of(name) if issubclass(each, StoppingCommand)}
    assert stopping == {
        *(DeleteApi, WithdrawApi),
        *(DisableClient, DeleteClient, RehashSecret, RevokeSecret, DisableBot, DeleteBot, DisableUser, EraseUser),
        *(TakeRole, RevokeKey, DisableTrustedIssuer, DeleteTrustedIssuer, RevokeInitialAccessToken),
        *(EndSession, ReportNotified, GiveUpNotifying, WithdrawConsent, RevokeAuthorization),
    }


def test_there_are_laws_for_every_table():
    assert {kind.aggregate.table.name for kind in EVERYTHING.values()} == set(INLINE)


@law
def test_a_fold_of_the_first_events_is_the_state_at_that_position(history):
    aggregate, commands = history
    events, states = happened(aggregate, commands)
    for position, state in enumerate(states):
        assert reduce(aggregate.evolve, events[:position], aggregate.initial) == state


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_events_of_another_kind_of_thing_make_nothing_of_this_one(name: str):
    aggregate = EVERYTHING[name].aggregate
    others = [event for event in EVENTS if type_of(event) not in aggregate.table.tags]
    assert len({type_of(event) for event in others}) == len(TYPES - aggregate.table.tags)
    for event in others:
        assert aggregate.state([event]) == aggregate.initial


@law
def test_a_row_says_what_the_state_says_at_every_position_and_counts_the_events(history):
    aggregate, commands = history
    events, states = happened(aggregate, commands)
    for position, state in enumerate(states):
        row = aggregate.table.fold(STREAM, events[:position])
        assert said(row) == meant(state)
        if row is not None:
            assert row.version == position
            assert row.stream_id == STREAM


@law
def test_what_decide_makes_is_read_back_from_its_bytes(history):
    aggregate, commands = history
    events, _ = happened(aggregate, commands)
    for event in events:
        assert decode(type_of(event), 1, encode(event)) == event
        assert type_of(event) in aggregate.table.tags


IDEMPOTENT = (
    *("SetGroupRoles", "Disable", "Enable", "Activate", "Retire", "ChangeClient", "RevokeToken", "RevokeAuthorization"),
    *("VerifyUser", "EraseUser", "EndSession", "Report", "GiveUp", "GiveConsent", "WithdrawConsent", "Refuse"),
)


@law
def test_asking_again_for_what_was_just_granted_changes_nothing_or_is_refused(history):
    aggregate, commands = history
    _, states = happened(aggregate, commands)
    for command in commands:
        if type(command).__name__.startswith(IDEMPOTENT):
            events, _ = happened(aggregate.__replace__(initial=states[-1]), [command])
            again, _ = happened(aggregate.__replace__(initial=reduce(aggregate.evolve, events, states[-1])), [command])
            assert again == []


@law
def test_a_row_has_a_value_of_a_type_that_copy_takes_for_every_column(history):
    aggregate, commands = history
    events, _ = happened(aggregate, commands)
    for position in range(1, len(events) + 1):
        row = aggregate.table.fold(STREAM, events[:position])
        if row is not None:
            made = dict(zip(aggregate.table.columns, record(row), strict=True))
            for name in {"secrets", "public_jwk", "factors"} & made.keys():
                assert isinstance(made[name], str), "JSON is sent as text"
            for name in {"redirect_uris", "scopes", "amr", "notify"} & made.keys():
                assert isinstance(made[name], tuple), "an array is sent as a sequence"
            if "login" in made:
                assert isinstance(made["login"], str) == (made["grant_type"] == "authorization_code")


@pytest.mark.parametrize("name", INLINE)
def test_every_type_of_event_belongs_to_one_table(name):
    others = frozenset[str]().union(*(table.tags for table in INLINE.values() if table.name != name))
    assert INLINE[name].tags == TYPES - others - tags(RefusalEvent | RetentionEvent | AuditReadEvent | RevocationEvent)


def test_a_refusal_a_read_an_order_or_a_deletion_by_retention_is_in_no_table_for_it_changes_no_state():
    assert not tags(RefusalEvent | RetentionEvent | AuditReadEvent | RevocationEvent) & frozenset[str]().union(
        *(table.tags for table in INLINE.values())
    )


NOT_IN_STATES = frozenset(
    {
        *(
            "stream_id",
            "version",
            "client_id",
            "bot_id",
            "kid",
            "alg",
            "public_jwk",
            "email",
            "first_name",
            "last_name",
        ),
        *("created_at", "published_at", "activated_at", "retired_at", "started_at", "authenticated_at", "ended_at"),
        *("revoked_at", "given_at", "password_at", "profile", "device", "amr", "acr", "why", "user_id"),
    }
)
"""What `decide` need not know, and so only a row has."""


def said(row: Any) -> dict[str, Any] | None:
    """A row in terms that a state can be compared by."""
    if row is None:
        return None
    given = {name: value for name, value in structs.asdict(row).items() if name not in NOT_IN_STATES}
    match type(row).__module__:
        case "projections.clients":
            return {**given, "login": given["login"] or Login()}
        case "projections.apis" if row.state == "deleted":
            return {"identifier": row.identifier, "state": "deleted"}
        case "projections.revoked_tokens":
            del given["expires_at"]
        case "projections.exchanges":
            return {"subject": row.subject}
        case "projections.users" if row.state == "erased":
            assert (row.profile, row.password, row.factors) == (None, None, ())
            return {"state": "erased"}
        case "projections.users":
            given["password"] = given["password"] is not None
        case "projections.sessions" if row.state == "ended":
            assert row.device is None
            return {"state": "ended", "notify": row.notify, "user": row.user_id}
        case "projections.sessions":
            given["user"] = row.user_id
        case "projections.consents":
            return {"scopes": row.scopes} if row.state == "given" else None
        case "projections.initial_access_tokens" if row.state == "revoked":
            return {"owner": row.owner, "state": "revoked"}
        case "projections.initial_access_tokens":
            allows = {name: given[name] for name in Allowance.__struct_fields__}
            return {"allows": allows, "hash": row.hash, "used": row.used}
        case "projections.authorizations":
            return _authorization_row(row)
        case "projections.device_authorizations":
            del given["answered_at"]
        case _:
            pass
    return given


def _authorization_row(row: Any) -> dict[str, Any]:
    return {
        "granted": (row.client, row.user_id, row.session_id, row.scopes, row.resource),
        "code_at": row.granted_at,
        "redeemed": row.redeemed_at is not None,
        "refresh_until": row.refresh_until,
        "state": row.state,
    }


def meant(state: Any) -> dict[str, Any] | None:
    match state:
        case Unregistered() | Deleted() | UnregisteredBot() | UnregisteredApi() | UnknownKey() | UnrevokedToken():
            return None
        case UnregisteredUser() | NoSession() | NoConsent() | Unauthorized() | NotRequested():
            return None
        case Active():
            return {**_client(state, "active"), "disabled_by": None}
        case Disabled():
            return {**_client(state.was, "disabled"), "disabled_by": state.by}
        case ActiveBot() | DisabledBot() | DeletedBot():
            states = {ActiveBot: "active", DisabledBot: "disabled", DeletedBot: "deleted"}
            return {"owner": state.owner, "state": states[type(state)]}
        case PublishedKey() | ActiveKey() | RetiredKey():
            return {"state": {PublishedKey: "published", ActiveKey: "active", RetiredKey: "retired"}[type(state)]}
        case RevokedToken():
            return {}
        case UnknownIssuer() | DeletedIssuer() | NoExchange():
            return None
        case Exchanged():
            return {"subject": state.subject}
        case ActiveIssuer() | DisabledIssuer():
            states = {ActiveIssuer: "active", DisabledIssuer: "disabled"}
            return {**structs.asdict(state), "state": states[type(state)]}
        case NoInitialAccessToken():
            return None
        case RevokedInitialAccessToken():
            return {"owner": state.owner, "state": "revoked"}
        case UsableInitialAccessToken():
            return {**structs.asdict(state), "allows": structs.asdict(state.allows)}
        case RegisteredApi():
            return {**structs.asdict(state), "state": "active"}
        case DeletedApi():
            return {"identifier": state.identifier, "state": "deleted"}
        case _:
            return _of_people(state)


def _of_people(state: Any) -> dict[str, Any]:
    match state:
        case ActiveUser():
            return _user(state, "active")
        case DisabledUser():
            return _user(state.was, "disabled")
        case ErasedUser():
            return {"state": "erased"}
        case OpenSession():
            return {**structs.asdict(state), "state": "open", "notify": ()}
        case EndedSession():
            return {"state": "ended", "notify": state.notify, "user": state.user}
        case Consented():
            return {"scopes": state.scopes}
        case Authorized():
            return _authorization(state, "active")
        case Revoked():
            return _authorization(state.was, "revoked")
        case Waiting() | Approved() | Denied():
            return _device(state)
        case _:
            raise AssertionError(state)


def _device(state: Waiting | Approved | Denied) -> dict[str, Any]:
    asked = state.requested
    return {
        "client": asked.client,
        "user_code": asked.user_code.hash,
        "scopes": asked.scopes,
        "resource": asked.resource,
        "requested_at": asked.at,
        "expires_at": asked.expires_at,
        "state": {Waiting: "waiting", Approved: "approved", Denied: "denied"}[type(state)],
        "authorization_id": state.authorization if isinstance(state, Approved) else None,
    }


def _user(user: ActiveUser, state: str) -> dict[str, Any]:
    return {
        "state": state,
        "verified": user.verified,
        "password": user.has_password,
        "factors": user.factors,
        "roles": user.roles,
        "group_roles": user.group_roles,
    }


def _authorization(authorization: Authorized, state: str) -> dict[str, Any]:
    granted = authorization.granted
    return {
        "granted": (granted.client, granted.user, granted.session, granted.scopes, granted.resource),
        "code_at": authorization.code and authorization.code.at,
        "redeemed": authorization.redeemed,
        "refresh_until": authorization.refresh and authorization.refresh.expires_at,
        "state": state,
    }


def _client(client: Active, state: str) -> dict[str, Any]:
    given = structs.asdict(client)
    del given["version"]  # a row's is compared with the number of events
    grant = given.pop("grant")
    grant_type = {ClientCredentials: "client_credentials", AuthorizationCode: "authorization_code"}[type(grant)]
    return {**given, "grant_type": grant_type, "bot_user_id": grant.bot_user_id, "state": state}
