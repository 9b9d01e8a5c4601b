"""muniment users: the people who can sign in, from the command line, beside a live service."""

import asyncio
import os
import pty
from contextlib import suppress
from uuid import UUID

import pytest

from events.database import pool
from events.log import Log
from service.clock import utc_now
from service.commands.handle import USER, Ledger, handle
from service.commands.user import AddFactor
from service.people import factors
from service.people.accounts import People
from service.people.sessions import Device, Sessions
from service.values.scopes import ACRS
from tests.flows.conftest import MASTER_KEY, META, Live, settings_for
from tests.flows.people import logged_in, registered, tokens_for
from tests.flows.test_cli import MASTER_KEY_TEXT, MUNIMENT, Ended, on, plain

USERS = "/api/v1/auth/users"
PASSWORD = "an analytical engine"


async def create(live: Live, email: str, *words: str, password: str = PASSWORD) -> Ended:
    """With the password on stdin."""
    return await on(live.database, "users", "create", email, "--password-stdin", *words, given=f"{password}\n")


async def created(live: Live, email: str, *words: str) -> UUID:
    made = await create(live, email, "--json", *words)
    assert made.status == 0, made.err
    assert set(made.json) == {"id"}
    return UUID(made.json["id"])


async def test_somebody_created_at_the_command_line_can_sign_in(live: Live):
    user = await created(live, "cli-ada@example.com", "--name", "Ada King", "--verified")
    shown = (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json()
    assert (shown["email"], shown["name"], shown["emailVerified"]) == ("cli-ada@example.com", "Ada King", True)
    log = Log(live.database)
    async with pool(live.database) as connections:
        people = People(Ledger(log, connections), MASTER_KEY)
        row = await people.find("CLI-ada@example.com")
        assert row is not None
        assert await people.check_password(row, PASSWORD)
        people.close()
        await log.close()


async def test_what_is_known_of_somebody_is_told_and_changed_at_the_command_line(live: Live):
    told = ("--given-name", "Ada", "--family-name", "King", "--group", "engine", "--group", "looms")
    claims = ("--claim", "locale=en-GB", "--claim", "address.locality=London", "--claim", "address.country=UK")
    user = await created(live, "cli-known@example.com", *told, *claims)
    shown = (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json()
    assert (shown["givenName"], shown["familyName"], shown["groups"]) == ("Ada", "King", ["engine", "looms"])
    words = (
        "users",
        "change",
        "cli-known@example.com",
        "--claim",
        "locale=",
        "--claim",
        "address.locality=",
        "--no-groups",
    )
    changed = await on(live.database, *words, "--name", "Ada King")
    assert changed.out == "cli-known@example.com is changed.\n", changed.err
    shown = (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json()
    assert (shown["name"], shown["givenName"], shown["locale"], shown["groups"]) == ("Ada King", "Ada", None, [])
    assert (shown["address"]["locality"], shown["address"]["country"]) == (None, "UK")
    unknown, nothing = await asyncio.gather(
        on(live.database, "users", "change", str(user), "--claim", "email=x@y"),
        on(live.database, "users", "change", str(user)),
    )
    assert "preferred_username" in unknown.err
    assert "say what to change" in nothing.err


async def test_what_cannot_be_is_refused_in_a_sentence_that_repeats_no_password(live: Live):
    await created(live, "cli-taken@example.com")
    taken, weak, none, nobody = await asyncio.gather(
        create(live, "CLI-TAKEN@example.com"),
        create(live, "cli-weak@example.com", password="hunter2"),
        create(live, "not an address"),
        on(live.database, "users", "disable", "cli-nobody@example.com"),
    )
    assert {ended.status for ended in (taken, weak, none, nobody)} == {1}
    assert "already" in taken.err
    assert "at least 8 characters" in weak.err
    assert "hunter2" not in weak.err
    assert "e-mail address" in none.err
    assert "no user" in nobody.err


async def test_a_password_on_stdin_is_utf_8_and_a_name_is_what_it_seems(live: Live):
    words = ("users", "create", "cli-odd@example.com", "--password-stdin")
    latin, name, long = await asyncio.gather(
        on(live.database, *words, given="an analytical éngine\n".encode("latin-1")),
        on(live.database, *words, "--name", "Evil\u202emoc.elgoog", given=f"{PASSWORD}\n"),
        on(live.database, *words, given="x7" * 40_000),
    )
    assert {ended.status for ended in (latin, name, long)} == {1}
    assert "not UTF-8" in latin.err
    assert "name must begin with a visible character" in name.err
    assert "at most 256 characters" in long.err


async def test_without_a_terminal_nobody_is_asked_for_anything(live: Live):
    created, erased = await asyncio.gather(
        on(live.database, "users", "create", "cli-script@example.com"),
        on(live.database, "users", "erase", "cli-script@example.com"),
    )
    assert (created.status, erased.status) == (1, 1)
    assert "--password-stdin" in created.err
    assert "--yes" in erased.err


async def test_users_are_listed_with_their_names_and_states(live: Live):
    users = [await created(live, f"cli-list{n}@example.com", "--name", f"N {n}") for n in range(2)]
    await on(live.database, "users", "disable", "cli-list1@example.com")
    everybody, disabled, first = await asyncio.gather(
        on(live.database, "users", "list", "--limit", "1000"),
        on(live.database, "users", "list", "--state", "disabled", "--json"),
        on(live.database, "users", "list", "--limit", "1", "--json"),
    )
    lines = {line.split()[0]: line for line in everybody.out.splitlines() if line.strip()}
    assert "cli-list0@example.com" in lines[str(users[0])]
    assert "disabled" in lines[str(users[1])]
    assert "argon2" not in everybody.out + disabled.out
    assert [user["email"] for user in disabled.json if user["id"] == str(users[1])] == ["cli-list1@example.com"]
    assert len(first.json) == 1
    assert "more than these 1" in first.err


async def test_somebody_is_disabled_enabled_and_erased_by_id_or_address(live: Live):
    user = str(await created(live, "cli-life@example.com"))
    disabled = await on(live.database, "users", "disable", user, "--json")
    assert disabled.json == {"id": user, "state": "disabled"}
    assert (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).json()["state"] == "disabled"
    enabled = await on(live.database, "users", "enable", "cli-life@example.com")
    assert enabled.out == "cli-life@example.com is enabled.\n"
    erased = await on(live.database, "users", "erase", "cli-life@example.com", "--yes")
    assert erased.out == "cli-life@example.com is erased.\n"
    assert (await live.http.get(f"{USERS}/{user}", headers=live.bearer)).status_code == 404
    again = await on(live.database, "users", "erase", "cli-life@example.com", "--yes")
    assert "no user" in again.err


async def test_everybody_s_sessions_are_listed_latest_first_and_only_one_person_s_are_ended(live: Live):
    users = [await created(live, f"cli-all-{number}@example.com") for number in range(2)]
    for user in users:
        await live.beside.sessions.start(user, ("pwd",), ACRS[0], None)
    words = ("users", "sessions", "--limit", "2")
    told, table, end = await asyncio.gather(
        on(live.database, *words, "--json"), on(live.database, *words), on(live.database, *words, "--end")
    )
    assert [each["user"] for each in told.json] == [str(user) for user in reversed(users)]
    assert [line.split()[0] for line in table.out.splitlines()[2:]] == [str(user) for user in reversed(users)]
    assert (end.status, "say whose sessions end" in end.err) == (1, True)


async def test_somebody_s_sessions_are_listed_and_ended(live: Live):
    user = await created(live, "cli-sessions@example.com")
    log = Log(live.database)
    async with pool(live.database) as connections:
        ledger = Ledger(log, connections)
        people = People(ledger, MASTER_KEY)
        theirs = Sessions(ledger, people, settings_for(live.database, live.url), MASTER_KEY, ledger.pool)
        device = Device(address="192.0.2.7", agent="Lynx")
        cookie = await theirs.start(user, ("pwd", "otp", "mfa"), "urn:muniment:acr:2", device)
        (told,) = (await on(live.database, "users", "sessions", "cli-sessions@example.com", "--json")).json
        assert (told["address"], told["agent"], told["amr"]) == ("192.0.2.7", "Lynx", ["pwd", "otp", "mfa"])
        assert "192.0.2.7" in (await on(live.database, "users", "sessions", str(user))).out
        assert "token_hash" not in told
        assert await theirs.current(cookie) is not None
        await theirs.start(user, ("pwd",), ACRS[0], None)
        limited = ("users", "sessions", str(user), "--limit", "1")
        assert len((await on(live.database, *limited, "--json")).json) == 1
        ended = await on(live.database, *limited, "--end")
        assert "there are more than these 1; --limit shows more of them" in ended.err
        assert ended.err.endswith("muniment: 2 ended\n")
        assert await theirs.current(cookie) is None
        people.close()
        await log.close()
    assert (await on(live.database, "users", "sessions", str(user), "--json")).json == []


async def typed(live: Live, words: tuple[str, ...], *lines: str) -> tuple[int | None, str]:
    """Exit status and screen of the command at a terminal where somebody types these lines, each once it is asked for."""
    ours, theirs = pty.openpty()
    environment = {"MUNIMENT_DATABASE_URL": live.database, "MUNIMENT_MASTER_KEY": MASTER_KEY_TEXT}
    process = await asyncio.create_subprocess_exec(
        MUNIMENT, *words, stdin=theirs, stdout=theirs, stderr=theirs, env={"PATH": os.environ["PATH"], **environment}
    )
    os.close(theirs)
    too_late = asyncio.get_running_loop().call_later(20, process.kill)  # which ends the terminal for who reads from it
    screen = await asyncio.to_thread(_played, ours, lines)
    too_late.cancel()
    os.close(ours)
    return await process.wait(), screen


def _played(terminal: int, lines: tuple[str, ...]) -> str:
    screen, typed = "", 0
    with suppress(OSError):  # how a terminal says that nobody writes to it any more
        while more := os.read(terminal, 4096):
            screen += more.decode()
            if screen.endswith(": ") and typed < len(
                lines
            ):  # the space comes once the terminal shows no more what is typed
                os.write(terminal, f"{lines[typed]}\n".encode())
                typed += 1
    return screen


@pytest.mark.parametrize(
    ("words", "lines", "status", "told"),
    [
        pytest.param(("create",), (PASSWORD, PASSWORD), 0, "can sign in", id="a password is asked for twice"),
        pytest.param(("erase",), ("n",), 1, "nothing was erased", id="whoever is not sure erases nobody"),
        pytest.param(("erase",), ("y",), 0, "is erased", id="whoever is sure does"),
    ],
)
async def test_at_a_terminal_what_is_missing_is_asked_for(live: Live, words, lines, status, told):
    ended, screen = await typed(live, ("users", *words, "cli-terminal@example.com"), *lines)
    assert ended == status, screen
    assert told in screen
    assert PASSWORD not in screen


async def test_a_lost_password_and_a_lost_phone_are_no_end(live: Live):
    user, email = await registered(live)
    cookie = await live.beside.sessions.start(user, ("pwd",), ACRS[0], None)
    factor = factors.new(factors.new_totp(), utc_now())
    kept = await factors.sealed(live.beside.people, user, factor)
    await handle(live.beside.ledger, USER, user, AddFactor(factor=kept), META)
    assert [each["kind"] for each in (await on(live.database, "users", "factors", email, "--json")).json] == ["totp"]
    removed = await on(live.database, "users", "factors", email, "--remove-all")
    assert "1 removed" in removed.err
    changed = await on(live.database, "users", "password", email, "--password-stdin", given="another good one\n")
    assert "new password" in changed.out
    row = await live.beside.people.find(email)
    assert row is not None
    assert row.factors == ()
    assert await live.beside.people.check_password(row, "another good one")
    assert await live.beside.sessions.current(cookie) is None


async def test_history_tells_a_person_s_life_and_a_client_s_who_allowed_it_what(live: Live):
    client = await live.interactive(displayName="My Web App")
    async with logged_in(live) as person:
        await tokens_for(live, person, client)
        theirs = await on(live.database, "users", "history", str(person.user), "--json")
        told = [line["told"] for line in theirs.lines]
        assert told[0] == "registered, with a password"
        assert any(sentence.startswith(f"user {person.user} allowed {client[0]}") for sentence in told)
        assert any("code redeemed" in sentence for sentence in told)
        assert person.email not in theirs.out
        its = await on(live.database, "clients", "history", client[0], "--json")
    assert [line["type"] for line in its.lines] == ["client.registered", "consent.given"]


async def test_a_role_is_given_and_taken_at_the_command_line(live: Live):
    made = await create(live, "cli-operator@example.com", "--operator")
    assert "can sign in and use the console, as operator" in made.out, made.err
    taken = await on(live.database, "users", "role", "take", "cli-operator@example.com", "operator", "--json")
    assert taken.json["role"] == "operator", taken.err
    words = ("users", "role", "give", "cli-operator@example.com", "auditor")
    given, wrong, history = [
        await on(live.database, *each)
        for each in ((*words, "--reason", "audit of May"), (*words[:-1], "emperor"), ("users", "history", words[3]))
    ]
    assert given.out == "cli-operator@example.com has the role auditor.\n", given.err
    assert "'operator', 'auditor', 'owner'" in plain(wrong.err)
    assert "role operator given" in history.out
    assert "role operator taken away" in history.out
    assert "audit of May" in history.out
    shown = (await live.http.get(f"{USERS}/{taken.json['id']}", headers=live.bearer)).json()
    assert shown["roles"] == ["auditor"]
