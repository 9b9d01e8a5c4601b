"""What may be asked of a user, and what comes of asking."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.user import (
    ActiveUser,
    DisabledUser,
    ErasedUser,
    UnregisteredUser,
    UserEvent,
    UserFactorAdded,
    UserFactorRemoved,
    UserRegistered,
    evolve,
)
from projections import users
from service.commands.authority import Holder
from service.commands.handle import USER
from service.commands.user import (
    MOST_FACTORS,
    AddFactor,
    ChangePassword,
    ChangeProfile,
    DisableUser,
    EnableUser,
    EraseUser,
    GiveRole,
    RegisterUser,
    RemoveFactor,
    SetGroupRoles,
    TakeRole,
    VerifyUser,
)
from service.refusals import Contradiction, DoesNotExist, NotPermitted
from service.values.roles import SCOPES_OF
from tests.rules.commands import USER_COMMANDS
from tests.rules.samples import (
    AT,
    EVENTS,
    FACTOR_ADDED,
    FACTOR_REMOVED,
    GROUP_ROLE_GIVEN,
    GROUP_ROLE_TAKEN,
    LATER,
    PASSKEY_ADDED,
    PASSWORD,
    PASSWORD_CHANGED,
    PROFILE,
    PROFILE_CHANGED,
    ROLE_GIVEN,
    ROLE_TAKEN,
    SOON,
    STREAM,
    USER_DISABLED,
    USER_ENABLED,
    USER_ERASED,
    USER_FROM_UPSTREAM,
    USER_REGISTERED,
    USER_VERIFIED,
    factor,
)
from tests.rules.table import outcome, rule

REGISTER = RegisterUser(profile=PROFILE, password=PASSWORD, email_verified=False, at=AT)
FROM_UPSTREAM = REGISTER.__replace__(password=None, email_verified=True)
VERIFY, CHANGE = VerifyUser(at=SOON), ChangePassword(password=PASSWORD, at=SOON)
DESCRIBE = ChangeProfile(profile=PROFILE, at=SOON)
ADD, REMOVE = AddFactor(factor=factor(1)), RemoveFactor(factor_id=UUID(int=1))
GIVE, TAKE = GiveRole(role="operator", at=SOON), TakeRole(role="operator", at=LATER)
BY_GROUP, NO_GROUP = SetGroupRoles(roles=("operator",), at=SOON), SetGroupRoles(roles=(), at=LATER)
OPERATOR, AUDITOR, OWNER = (
    Holder(owner=None, sub="x", scopes=frozenset(SCOPES_OF[role])) for role in ("operator", "auditor", "owner")
)
DISABLE, ENABLE, ERASE = DisableUser(), EnableUser(), EraseUser(at=LATER)

NEW, OFF = [USER_REGISTERED], [USER_REGISTERED, USER_DISABLED]
GONE = [USER_REGISTERED, USER_ERASED]
FULL = [USER_REGISTERED, *(UserFactorAdded(factor=factor(n)) for n in range(1, MOST_FACTORS + 1))]
ONE_LESS = [*FULL, UserFactorRemoved(factor_id=UUID(int=3))]


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], REGISTER, [USER_REGISTERED], "a new user is registered"),
        rule([], FROM_UPSTREAM, [USER_FROM_UPSTREAM], "a user of the upstream provider has no password"),
        rule(NEW, REGISTER, Contradiction, "a user is registered once"),
        rule([*NEW, UserFactorAdded(factor=factor(1))], ADD, [], "a factor that is there already is not added again"),
        rule(FULL, ADD, [], "not even when there can be no more"),
        rule(OFF, REGISTER, Contradiction, "a disabled user is not registered again"),
        rule(GONE, REGISTER, Contradiction, "an erased user's id is never anybody else's"),
        rule(NEW, VERIFY, [USER_VERIFIED], "an address can be verified"),
        rule([*NEW, USER_VERIFIED], VERIFY, [], "verifying twice changes nothing"),
        rule([USER_FROM_UPSTREAM], VERIFY, [], "whom the upstream provider vouches for is verified"),
        rule(OFF, VERIFY, [USER_VERIFIED], "a disabled user's address can be verified"),
        rule(NEW, CHANGE, [PASSWORD_CHANGED], "a password can be changed"),
        rule([*NEW, PASSWORD_CHANGED], CHANGE, [PASSWORD_CHANGED], "a password is sealed anew, so never the same"),
        rule([USER_FROM_UPSTREAM], CHANGE, [PASSWORD_CHANGED], "a user of the upstream provider can get a password"),
        rule(OFF, CHANGE, [PASSWORD_CHANGED], "a disabled user's password can be changed"),
        rule(NEW, DESCRIBE, [PROFILE_CHANGED], "a profile can be changed"),
        rule(OFF, DESCRIBE, [PROFILE_CHANGED], "a disabled user's profile can be changed"),
        rule(NEW, ADD, [FACTOR_ADDED], "a second factor can be added"),
        rule([*NEW, FACTOR_ADDED], AddFactor(factor=factor(2, "passkey")), [PASSKEY_ADDED], "and another"),
        rule(OFF, ADD, [FACTOR_ADDED], "a disabled user can get a second factor"),
        rule(FULL, AddFactor(factor=factor(99)), Contradiction, "there is a most number of second factors"),
        rule([*FULL, USER_DISABLED], AddFactor(factor=factor(99)), Contradiction, "of a disabled user too"),
        rule(ONE_LESS, AddFactor(factor=factor(99)), [UserFactorAdded(factor=factor(99))], "one removed makes room"),
        rule([*NEW, FACTOR_ADDED], REMOVE, [FACTOR_REMOVED], "a second factor can be removed"),
        rule([*NEW, FACTOR_ADDED, USER_DISABLED], REMOVE, [FACTOR_REMOVED], "of a disabled user too"),
        rule(NEW, REMOVE, DoesNotExist, "a second factor that is not there cannot be removed"),
        rule([*NEW, PASSKEY_ADDED], REMOVE, DoesNotExist, "nor can another one's"),
        rule([*NEW, FACTOR_ADDED, FACTOR_REMOVED], REMOVE, DoesNotExist, "nor can it be removed twice"),
        rule(NEW, GIVE, [ROLE_GIVEN], "a role can be given"),
        rule([*NEW, ROLE_GIVEN], GIVE, [], "giving a role twice changes nothing"),
        rule([*NEW, ROLE_GIVEN], TAKE, [ROLE_TAKEN], "a role can be taken away"),
        rule(
            [*NEW, ROLE_GIVEN],
            DISABLE.__replace__(by=OWNER),
            NotPermitted,
            "an operator is disabled by who has their scopes",
        ),
        rule([*NEW, ROLE_GIVEN], DISABLE.__replace__(by=OPERATOR), [USER_DISABLED], "such as another operator"),
        rule(
            [*NEW, ROLE_GIVEN, USER_DISABLED], ENABLE.__replace__(by=OWNER), NotPermitted, "and enabled by those alone"
        ),
        rule([*NEW, ROLE_GIVEN], DESCRIBE.__replace__(by=OWNER), NotPermitted, "and renamed by those alone"),
        rule([*NEW, ROLE_GIVEN, USER_DISABLED], ERASE.__replace__(by=OWNER), NotPermitted, "and erased by those alone"),
        rule(
            [*NEW, ROLE_GIVEN, ROLE_TAKEN], ERASE.__replace__(by=OWNER), [USER_ERASED], "as long as they have the role"
        ),
        rule(NEW, TAKE, [], "taking a role that the user does not have changes nothing"),
        rule([*NEW, ROLE_GIVEN, ROLE_TAKEN], GIVE, [ROLE_GIVEN], "a role can be given again"),
        rule(OFF, GIVE, [ROLE_GIVEN], "a disabled user can get a role"),
        rule([*NEW, ROLE_GIVEN, USER_DISABLED], TAKE, [ROLE_TAKEN], "and lose one"),
        rule(NEW, GIVE.__replace__(by=OPERATOR), [ROLE_GIVEN], "an operator gives every role"),
        rule(NEW, GIVE.__replace__(by=AUDITOR), NotPermitted, "an auditor gives no role of more power"),
        rule([*NEW, ROLE_GIVEN], GIVE.__replace__(by=AUDITOR), NotPermitted, "not even if the user has it"),
        rule(NEW, GIVE.__replace__(by=OWNER, role="auditor"), NotPermitted, "an owner gives no auditor's role"),
        rule(NEW, BY_GROUP, [GROUP_ROLE_GIVEN], "a role can come through a group"),
        rule([*NEW, GROUP_ROLE_GIVEN], BY_GROUP, [], "which a later sign-in does not repeat"),
        rule([*NEW, GROUP_ROLE_GIVEN], NO_GROUP, [GROUP_ROLE_TAKEN], "and which ends when the group is not named"),
        rule(NEW, NO_GROUP, [], "to have none still changes nothing"),
        rule([*NEW, ROLE_GIVEN], NO_GROUP, [], "what a person gave, no sign-in takes"),
        rule([*NEW, ROLE_GIVEN], BY_GROUP, [GROUP_ROLE_GIVEN], "a role can be had both ways"),
        rule([*NEW, ROLE_GIVEN, GROUP_ROLE_GIVEN], NO_GROUP, [GROUP_ROLE_TAKEN], "of which the group's ends alone"),
        rule([*NEW, GROUP_ROLE_GIVEN], GIVE, [ROLE_GIVEN], "what came through a group, a person can give, too"),
        rule([*NEW, GROUP_ROLE_GIVEN], TAKE, [GROUP_ROLE_TAKEN], "a person takes what came through a group"),
        rule(
            [*NEW, ROLE_GIVEN, GROUP_ROLE_GIVEN],
            TAKE,
            [ROLE_TAKEN, GROUP_ROLE_TAKEN],
            "and what was had both ways, in both",
        ),
        rule([*NEW, GROUP_ROLE_GIVEN, GROUP_ROLE_TAKEN], BY_GROUP, [GROUP_ROLE_GIVEN], "after which it comes back"),
        rule(
            [*NEW, GROUP_ROLE_GIVEN],
            BY_GROUP.__replace__(roles=("owner", "owner")),
            [GROUP_ROLE_TAKEN.__replace__(at=SOON), GROUP_ROLE_GIVEN.__replace__(role="owner")],
            "another group brings another role, once",
        ),
        rule([*NEW, GROUP_ROLE_GIVEN, USER_DISABLED], NO_GROUP, [GROUP_ROLE_TAKEN], "a disabled user loses it, too"),
        rule(
            [*NEW, GROUP_ROLE_GIVEN],
            DISABLE.__replace__(by=OWNER),
            NotPermitted,
            "who is an operator through a group is disabled by who has their scopes",
        ),
        rule(NEW, DISABLE, [USER_DISABLED], "a user can be disabled"),
        rule(OFF, DISABLE, [], "disabling twice changes nothing"),
        rule([*OFF, USER_ENABLED], DISABLE, [USER_DISABLED], "an enabled user can be disabled again"),
        rule(OFF, ENABLE, [USER_ENABLED], "a disabled user can be enabled"),
        rule(NEW, ENABLE, [], "enabling an active user changes nothing"),
        rule(NEW, ERASE, [USER_ERASED], "a user can be erased"),
        rule(OFF, ERASE, [USER_ERASED], "a disabled user can be erased"),
        rule(GONE, ERASE, [], "erasing twice changes nothing"),
        rule([], ERASE, DoesNotExist, "nobody cannot be erased"),
        *(
            rule(given, command, DoesNotExist, f"{who} and {type(command).__name__}: not found")
            for command in (VERIFY, CHANGE, DESCRIBE, ADD, REMOVE, GIVE, TAKE, BY_GROUP, DISABLE, ENABLE)
            for given, who in (([], "nobody"), (GONE, "an erased user"), ([*OFF, USER_ERASED], "one disabled before"))
        ),
    ],
)
def test_a_user(given, command, then):
    assert outcome(USER, given, command) == then


def test_a_disabled_user_comes_back_as_they_were_with_what_changed_meanwhile():
    state = UnregisteredUser()
    for event in (USER_REGISTERED, FACTOR_ADDED, USER_DISABLED, USER_VERIFIED, PASSKEY_ADDED, FACTOR_REMOVED):
        state = evolve(state, event)
    was = ActiveUser(verified=True, has_password=True, factors=(factor(2, "passkey"),))
    assert state == DisabledUser(was=was)
    assert evolve(state, USER_ENABLED) == was


role_commands = st.one_of(USER_COMMANDS[GiveRole], USER_COMMANDS[TakeRole], USER_COMMANDS[SetGroupRoles])


@given(st.lists(role_commands, max_size=30))
def test_a_user_has_the_roles_that_persons_gave_and_those_of_the_last_groups_whatever_came_in_which_order(
    commands: list[GiveRole | TakeRole | SetGroupRoles],
):
    given_roles, group_roles = set[str](), set[str]()
    events: list[UserEvent] = [USER_REGISTERED]
    for command in commands:
        decided = outcome(USER, events, command)
        if not isinstance(decided, list):
            continue  # somebody wanted to give more power than they have
        events += decided
        match command:
            case GiveRole():
                given_roles.add(command.role)
            case TakeRole():
                given_roles.discard(command.role)
                group_roles.discard(command.role)
            case SetGroupRoles():
                group_roles = set(command.roles)
        row = users.TABLE.fold(STREAM, events)
        assert isinstance(row, users.Row)
        assert sorted(row.roles) == sorted(given_roles)
        assert sorted(row.group_roles) == sorted(group_roles)
        assert sorted(row.all_roles) == sorted(given_roles | group_roles)
        assert outcome(USER, events, command) == []


def test_a_user_has_a_password_once_one_is_set():
    arrived = evolve(UnregisteredUser(), USER_FROM_UPSTREAM)
    assert arrived == ActiveUser(verified=True, has_password=False)
    assert evolve(arrived, PASSWORD_CHANGED) == ActiveUser(verified=True, has_password=True)


def test_an_erased_user_stays_erased_whatever_happens():
    for event in EVENTS:
        if isinstance(event, UserEvent) and not isinstance(event, UserRegistered):
            assert evolve(ErasedUser(), event) == ErasedUser()


ACTIVE = ActiveUser(verified=False, has_password=True, factors=(factor(1),))


@pytest.mark.parametrize("event", [e for e in EVENTS if isinstance(e, UserEvent)], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "state", [UnregisteredUser(), ACTIVE, DisabledUser(was=ACTIVE), ErasedUser()], ids=lambda s: type(s).__name__
)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert isinstance(evolve(state, event), UnregisteredUser | ActiveUser | DisabledUser | ErasedUser)
