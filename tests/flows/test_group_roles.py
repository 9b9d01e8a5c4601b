"""Roles through groups of the upstream provider, which here is a second Muniment."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from events.database import read
from events.envelope import ByService, Meta, SealedReason
from events.replay import history
from events.user import UserRoleGiven, UserRoleTaken
from projections import users
from service.configuration.upstream import Upstream, mapped, roles_mapped
from service.oauth.upstream import CALLBACK
from service.values.scopes import ACRS
from tests.flows.browsing import Browser, Shown
from tests.flows.conftest import META, Live, new_database, serving
from tests.flows.consoles import Staff, give, opened, staff, take, visitor
from tests.flows.people import Person, logged_in, registered
from tests.flows.test_cli import on
from tests.flows.test_upstream import Two, browsing, query_of, there_and_back

USERS = "/api/v1/auth/users"
ROLES = "ops=operator works%20council=auditor ops=owner"


@asynccontextmanager
async def beside(two: Two, roles: str = ROLES, **changes: Any) -> AsyncGenerator[Two]:
    """The same service, with other settings."""
    upstream = _settings(two.provider, changes.pop("client"), roles)
    async with serving(two.ours.database, rate_limit=0, upstream=upstream, **changes) as ours:
        yield Two(two.provider, ours)


def _settings(provider: Live, client: tuple[str, str], roles: str) -> Upstream:
    (claims, _), (of_groups, faults) = mapped("groups=groups"), roles_mapped(roles)
    assert not faults
    return Upstream(
        issuer=provider.url,
        client_id=client[0],
        client_secret=client[1],
        claims=claims,
        scope="openid profile email groups",
        roles=of_groups,
    )


@pytest.fixture(scope="module")
async def client(live: Live) -> tuple[str, str]:
    """What the service is at the provider."""
    made, secret = await live.interactive(redirectUri=f"http://127.0.0.1{CALLBACK}", firstParty=True)
    assert secret is not None
    return made, secret


@pytest.fixture(scope="module")
async def two(postgres: str, live: Live, client: tuple[str, str]) -> AsyncIterator[Two]:
    upstream = _settings(live, client, ROLES)
    async with serving(await new_database(postgres), rate_limit=0, upstream=upstream) as ours:
        yield Two(live, ours)


@asynccontextmanager
async def member(two: Two, *groups: str) -> AsyncGenerator[Person]:
    """Somebody who is in these groups at the provider, and signed in there."""
    user, _ = await registered(two.provider, groups=list(groups))
    async with logged_in(two.provider, user) as person:
        yield person


async def in_groups(two: Two, person: Person, *groups: str) -> None:
    await two.provider.beside.people.change_profile(person.user, {"groups": list(groups)}, META)


@asynccontextmanager
async def signed_in(two: Two, person: Person) -> AsyncGenerator[Staff]:
    """The person with a new session here, by way of the provider."""
    async with browsing(two.ours) as http:
        answer = await there_and_back(two, person, http)
        assert answer.status_code == 303, answer.text
        yield Staff((await row_of(two, person)).stream_id, "", Browser(http))


async def sign_in(two: Two, person: Person) -> users.Row:
    async with signed_in(two, person):
        return await row_of(two, person)


async def row_of(two: Two, person: Person) -> users.Row:
    row = await two.ours.beside.people.find_upstream(two.provider.url, str(person.user))
    assert row is not None
    return row


async def role_events(two: Two, user: UUID) -> list[tuple[UserRoleGiven | UserRoleTaken, Meta]]:
    found = await read(two.ours.beside.ledger.pool, lambda connection: history(connection, user))
    return [(each.event, each.meta) for each in found if isinstance(each.event, UserRoleGiven | UserRoleTaken)]


async def shown(two: Two, user: UUID) -> dict[str, Any]:
    answer = await two.ours.http.get(f"{USERS}/{user}", headers=two.ours.bearer)
    assert answer.status_code == 200
    return answer.json()


async def may_write(somebody: Staff) -> bool:
    """Whether the console lets somebody who may read users change one."""
    page = await somebody.look(f"/users/{somebody.user}")
    assert page.status == 200
    return any("do" in form.fields for form in page.forms)


async def test_the_first_sign_in_of_a_member_gives_the_roles_of_the_group_and_the_console_opens(two: Two):
    async with member(two, "staff", "ops") as person, signed_in(two, person) as somebody:
        assert (await opened(somebody)).status_code == 200
        user = somebody.user
    body = await shown(two, user)
    assert body["roles"] == ["operator", "owner"]
    assert body["groupRoles"] == [{"role": role, "alsoGiven": False} for role in ("operator", "owner")]
    events = await role_events(two, user)
    assert [(event.role, event.source) for event, _ in events] == [("operator", "group"), ("owner", "group")]
    for _, meta in events:
        assert meta.actor == ByService(why="sign-in through the upstream provider")
        assert isinstance(meta.reason, SealedReason)
    answer = await two.ours.http.get(f"{USERS}/{user}/history", headers=two.ours.bearer)
    last = answer.json()[0]
    assert last["reason"].endswith("named the groups: ops")
    assert last["changes"]["groupRoles"]["after"] == body["groupRoles"]


async def test_a_group_s_name_may_have_spaces_and_a_member_of_no_such_group_has_no_role(two: Two):
    async with member(two, "works council") as auditor, member(two, "Ops", "staff") as other:
        assert (await sign_in(two, auditor)).all_roles == ("auditor",)
        assert (await sign_in(two, other)).all_roles == ()
        assert await role_events(two, (await row_of(two, other)).stream_id) == []
        async with signed_in(two, other) as somebody:
            assert "Ask an operator to give you a role." in (await opened(somebody)).text


async def test_who_leaves_the_group_loses_the_role_at_the_next_sign_in_in_every_session(two: Two):
    async with member(two, "ops") as person, signed_in(two, person) as somebody:
        assert (await opened(somebody)).status_code == 200
        await in_groups(two, person, "works council")
        assert await may_write(somebody)
        assert (await sign_in(two, person)).group_roles == ("auditor",)
        assert not await may_write(somebody)
        await in_groups(two, person)
        assert (await sign_in(two, person)).all_roles == ()
        assert (await somebody.look("")).status == 403


async def test_what_a_person_gave_no_sign_in_takes(two: Two):
    async with member(two, "ops") as person:
        user = (await sign_in(two, person)).stream_id
        await give(two.ours, user, "operator")
        body = await shown(two, user)
        assert body["groupRoles"] == [{"role": "operator", "alsoGiven": True}, {"role": "owner", "alsoGiven": False}]
        await in_groups(two, person)
        row = await sign_in(two, person)
        assert (row.roles, row.group_roles, row.all_roles) == (("operator",), (), ("operator",))
        await take(two.ours, user, "operator")
        await in_groups(two, person, "ops")
        assert (await sign_in(two, person)).all_roles == ("operator", "owner")


async def test_what_a_person_takes_from_a_member_comes_back_at_the_next_sign_in_and_everybody_is_told_so(two: Two):
    async with member(two, "ops") as person, signed_in(two, person) as somebody, staff(two.ours, "operator") as other:
        await opened(somebody)
        page = await other.look(f"/users/{somebody.user}")
        assert "By a group" in page.text
        assert "Roles through groupsowner" in page.text
        assert page.text.count("it comes back when the person signs in through the upstream provider") == 2
        answer = await other.send(page, "take-operator", reason="too much")
        assert answer.status_code == 303
        assert (await somebody.look("/users")).status == 403
        assert (await shown(two, somebody.user))["roles"] == ["owner"]
        assert (await sign_in(two, person)).all_roles == ("owner", "operator")
        ended = await on(two.ours.database, "users", "role", "take", str(somebody.user), "operator")
        assert "does not have the role operator." in ended.out
        assert "it comes back when they sign in there" in ended.err
        again = await on(two.ours.database, "users", "role", "take", str(somebody.user), "operator")
        assert (again.status, "comes back" in again.err) == (0, False)


async def test_where_a_role_comes_from_is_said_at_the_command_line(two: Two):
    async with member(two, "ops") as person:
        user = (await sign_in(two, person)).stream_id
    await give(two.ours, user, "operator")
    script, table, told = [
        await on(two.ours.database, "users", *words)
        for words in (("list", "--json"), ("list",), ("history", str(user), "--json"))
    ]
    (found,) = [each for each in script.json if each["id"] == str(user)]
    assert (found["roles"], found["given_roles"]) == (["operator", "owner"], ["operator"])
    assert found["group_roles"] == ["operator", "owner"]
    assert "operator, owner (by group)" in table.out
    assert [line["told"] for line in told.lines if "role" in line["told"]] == [
        "role operator given through a group",
        "role owner given through a group",
        "role operator given",
    ]


async def test_two_sign_ins_at_once_give_the_role_once(two: Two):
    async with member(two) as person, browsing(two.ours) as first, browsing(two.ours) as second:
        user = (await sign_in(two, person)).stream_id
        await in_groups(two, person, "works council")
        answers = await asyncio.gather(*(there_and_back(two, person, http) for http in (first, second)))
        assert [answer.status_code for answer in answers] == [303, 303]
    assert [type(event) for event, _ in await role_events(two, user)] == [UserRoleGiven]


async def test_a_role_through_a_group_counts_only_in_a_session_that_came_from_the_provider(two: Two):
    """With a password or a passkey, somebody who left the group would keep the role for ever."""
    async with member(two, "ops") as person:
        user = (await sign_in(two, person)).stream_id
        async with visitor(two.ours, user) as elsewhere:
            page = Shown(await opened(elsewhere))
            assert (page.status, "Sign in through the provider" in page.text) == (403, True)
            await give(two.ours, user, "auditor")
            assert not await may_write(elsewhere)


async def test_a_session_from_the_provider_keeps_the_role_when_it_is_authenticated_in_another_way_later(two: Two):
    """As before a sensitive change, with a passkey of this server. It ends no later for that."""
    async with member(two, "ops") as person, signed_in(two, person) as somebody:
        await opened(somebody)
        kept, sessions = somebody.browser.http.cookies, two.ours.beside.sessions
        present = await sessions.current(kept[sessions.cookie])
        assert present is not None
        value = await sessions.reauthenticate(present, ("hwk", "user"), ACRS[0])
        again = await sessions.current(value)
        assert again is not None
        assert (again.session.amr, again.session.expires_at) == (("hwk", "user"), present.session.expires_at)
        assert await may_write(somebody)


async def test_nobody_enters_with_outdated_roles(two: Two, monkeypatch: pytest.MonkeyPatch):
    async with member(two, "works council") as person, browsing(two.ours) as http:
        user = (await sign_in(two, person)).stream_id
        await take(two.ours, user, "auditor")
        monkeypatch.setattr("service.commands.handle.MOST_EVENTS", 3)  # registered, given and taken
        answer = await there_and_back(two, person, http)
        assert answer.status_code == 409
        assert (await http.get("/account")).status_code == 303
        monkeypatch.undo()
        assert (await there_and_back(two, person, http)).status_code == 303
    assert (await row_of(two, person)).all_roles == ("auditor",)


async def test_a_second_factor_is_demanded_of_a_member_as_of_anyone(two: Two, client: tuple[str, str]):
    async with beside(two, client=client, console_second_factor=True) as strict, member(strict, "ops") as person:
        async with browsing(strict.ours) as http:
            begun = await http.get("/console")
            to_sign_in = await http.get(begun.headers["location"])
            answer = await there_and_back(strict, person, http, **query_of(to_sign_in))
            back = await http.get(answer.headers["location"])
            assert query_of(back)["error"] == "access_denied"
            assert "The console needs a second step" in (await http.get(back.headers["location"])).text
        assert (await row_of(strict, person)).all_roles == ("operator", "owner")


async def test_a_role_goes_at_the_next_sign_in_when_its_group_is_no_longer_named_in_the_settings(
    two: Two, client: tuple[str, str]
):
    async with member(two, "ops") as person:
        assert (await sign_in(two, person)).all_roles == ("operator", "owner")
        async with beside(two, "ops=owner", client=client) as less:
            assert (await sign_in(less, person)).all_roles == ("owner",)
        async with beside(two, "", client=client) as none:
            row = await sign_in(none, person)
            assert row.all_roles == ()
            assert await sign_in(none, person) == row


async def test_no_group_is_in_clear_in_the_log(two: Two):
    async with member(two, "works council") as person:
        await sign_in(two, person)
    kept = await two.ours.beside.ledger.pool.fetchval(
        "select count(*) from log.events where position('works council'::bytea in data || meta) > 0"
    )
    assert kept == 0
