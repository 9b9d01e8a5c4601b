"""People: registered once, found by name, checked by password, erased without a trace."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from events.database import Connection, Unavailable
from events.envelope import ByService, Meta
from events.replay import history
from events.user import UserRegistered
from projections import users
from service.cli import rewrapping
from service.commands.handle import USER, handle
from service.commands.user import EraseUser
from service.crypto.credentials import new_id
from service.people import passwords
from service.people.accounts import NameTaken, People, WeakPassword
from service.people.sessions import Device
from service.refusals import DoesNotExist, InvalidValue
from service.values.profile import Profile, changed
from service.vault import personal_data
from service.vault.private_keys import WrongMasterKey
from tests.tables.conftest import MASTER_KEY, column, connected, proved

NOW = datetime.now(UTC)
META = Meta(actor=ByService(why="test"), request_id="test")
PASSWORD = "correct horse battery"
EMAIL = "Ada.Lovelace@Example.com"
ADA = Profile(email=EMAIL, name="Augusta Ada King", given_name="Ada", family_name="King")


async def test_somebody_who_registered_is_found_by_their_address_however_it_is_written(people):
    user = await people.register(ADA, PASSWORD, META)
    for written in ("Ada.Lovelace@Example.com", "  ada.lovelace@EXAMPLE.com "):
        row = await people.find(written)
        assert row is not None
        assert row.stream_id == user
    assert await people.find("ada@example.com") is None
    row = await people.row(user)
    assert await people.profile(row) == ADA
    assert (row.state, row.verified) == ("active", False)


async def test_somebody_of_the_upstream_provider_is_found_by_their_subject_there_and_has_no_password(people):
    user = await people.register(ADA, None, META, verified=True, upstream=("https://op.example.com", "42"))
    row = await people.find_upstream("https://op.example.com", "42")
    assert (row.stream_id, row.verified, row.password) == (user, True, None)
    assert await people.find_upstream("https://op.example.com", "4") is None
    assert await people.find_upstream("https://other.example.com", "42") is None
    assert not await people.check_password(row, "")
    with pytest.raises(NameTaken):
        await people.register(Profile(email="other@example.com"), None, META, upstream=("https://op.example.com", "42"))
    assert await people.find("other@example.com") is None


async def test_a_name_is_one_person_s(people):
    await people.register(ADA, PASSWORD, META)
    with pytest.raises(NameTaken):
        await people.register(Profile(email="ada.lovelace@example.COM"), PASSWORD, META)


async def test_of_eight_registrations_of_one_address_at_once_one_is_made(people, reader):
    asked = [people.register(ADA, None, META) for _ in range(8)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, UUID) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 7
    assert await column(reader, "select count(*) from read.users") == [1]
    assert await column(reader, "select count(*) from vault.people") == [1]


async def test_the_right_password_is_right_and_no_other(people):
    user = await people.register(ADA, PASSWORD, META)
    row = await people.row(user)
    assert await people.check_password(row, PASSWORD)
    for wrong in ("", PASSWORD[:-1], PASSWORD.upper(), PASSWORD + "\0", "x" * 60_000, "\ud800" * 10):
        assert not await people.check_password(row, wrong)
    assert not await people.check_password(None, PASSWORD)


async def test_as_many_passwords_wait_as_may_and_the_next_is_told_to_come_again(people):
    user = await people.register(ADA, PASSWORD, META)
    row = await people.row(user)
    most = passwords.THREADS + passwords.MOST_WAITING
    quick = passwords.Passwords()
    held = [asyncio.create_task(quick.verify(None, "x")) for _ in range(most)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await quick.verify(None, "x")
    for task in held:
        task.cancel()
    quick.close()
    assert await people.check_password(row, PASSWORD)


async def test_a_disabled_user_s_password_is_not_right(people):
    user = await people.register(ADA, PASSWORD, META)
    await people.disable(user, META)
    assert not await people.check_password(await people.row(user), PASSWORD)
    await people.enable(user, META)
    assert await people.check_password(await people.row(user), PASSWORD)


async def test_a_changed_password_is_the_only_one(people):
    user = await people.register(ADA, PASSWORD, META)
    await people.change_password(user, "another good one", META)
    row = await people.row(user)
    assert await people.check_password(row, "another good one")
    assert not await people.check_password(row, PASSWORD)
    with pytest.raises(WeakPassword):
        await people.change_password(user, EMAIL.lower(), META)
    with pytest.raises(DoesNotExist):
        await people.change_password(new_id(), "another good one", META)


async def test_a_password_that_was_hashed_with_other_parameters_is_hashed_anew_when_it_is_right(people, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1))
        user = await people.register(ADA, PASSWORD, META)
    old = await people.row(user)
    assert not await people.check_password(old, "wrong " + PASSWORD)
    assert (await people.row(user)).version == 1
    assert await people.check_password(old, PASSWORD)
    new = await people.row(user)
    assert (new.version, new.password_at) == (2, old.password_at)
    assert new.password != old.password
    assert await people.check_password(new, PASSWORD)
    assert (await people.row(user)).version == 2
    assert await people.check_password(old, PASSWORD)  # read before: whoever was first has the last word
    assert (await people.row(user)).version == 2


async def test_what_is_no_e_mail_address_registers_nobody(people, reader):
    for email in ("", "ada", "@", "a@", "@b", "a b@c", "a@b c", "a@b@c", "a@" + "b" * 253, "a@b\n"):
        with pytest.raises(InvalidValue):
            await people.register(Profile(email=email), None, META)
    assert await column(reader, "select user_id from vault.people") == []


@pytest.mark.parametrize("name", ["A" * 201, "Evil\u202emoc.elgoog", "A\u200bda", "Ada\0"])
@pytest.mark.parametrize("field", ["name", "given_name", "family_name"])
async def test_a_name_that_is_too_long_or_not_what_it_seems_is_nobody_s(people, field: str, name: str):
    with pytest.raises(InvalidValue):
        await people.register(changed(Profile(email="odd@example.com"), {field: name}), None, META)


async def test_nothing_of_a_person_shows_itself(people):
    user = await people.register(ADA, PASSWORD, META)
    row = await people.row(user)
    shown = repr(ADA) + repr(row) + repr(Device(address="192.0.2.1", agent="Firefox"))
    for personal in ("Ada", "Lovelace", "King", "argon2", "192.0.2.1", "Firefox"):
        assert personal not in shown


async def test_a_sealed_text_opens_for_its_person_alone(people):
    ada = await people.register(ADA, None, META)
    other = await people.register(Profile(email="other@example.com"), None, META)
    sealed = await people.seal(ada, b"a secret")
    assert await people.open(ada, sealed) == b"a secret"
    with pytest.raises(personal_data.CannotOpen):
        await people.open(other, sealed)
    with pytest.raises(personal_data.CannotOpen):  # nor as something else of theirs
        await people.profile(
            users.project(None, ada, UserRegistered(profile=sealed, password=None, email_verified=False, at=NOW))
        )
    await people.erase(ada, META)
    assert await people.open(ada, sealed) is None
    with pytest.raises(DoesNotExist):
        await people.seal(ada, b"another")


async def test_a_registration_that_failed_leaves_the_name_free(people, ledger, reader, monkeypatch):
    async def refused(*_, **__):
        raise InvalidValue("no")

    with monkeypatch.context() as failing:
        failing.setattr("service.people.accounts.handle", refused)
        with pytest.raises(InvalidValue):
            await people.register(ADA, None, META)
    assert await column(reader, "select user_id from vault.people") == []
    assert await people.register(ADA, None, META)


AGE = "update vault.people set created_at = created_at - make_interval(secs => $1)"


async def test_the_name_of_somebody_killed_while_they_registered_is_free_after_a_minute(people, superuser):
    killed = new_id()
    await people.vault.add(killed, [await people.vault.email(EMAIL)])
    assert await people.find(EMAIL) is None
    with pytest.raises(NameTaken):
        await people.register(ADA, None, META)
    await superuser.execute(AGE, 55.0)
    with pytest.raises(NameTaken):
        await people.register(ADA, None, META)
    await superuser.execute(AGE, 6.0)
    user = await people.register(ADA, None, META)
    assert user != killed
    assert await column(superuser, "select user_id from vault.people") == [user]


async def test_housekeeping_removes_what_a_killed_registration_left_and_nobody_else(people, superuser):
    user = await people.register(ADA, None, META)
    killed, at_work = new_id(), new_id()
    await people.vault.add(killed, [await people.vault.email("killed@example.com")])
    await superuser.execute(AGE, 61.0)
    await people.vault.add(at_work, [await people.vault.email("at-work@example.com")])
    await people.finish()
    assert set(await column(superuser, "select user_id from vault.people")) == {user, at_work}
    assert await people.profile(await people.row(user)) == ADA


async def test_an_erased_person_cannot_be_read_and_every_proof_holds(people, ledger, database, reader):
    user = await people.register(ADA, PASSWORD, META, upstream=("https://op.example.com", "42"))
    before = await people.row(user)
    await people.erase(user, META)
    row = await people.row(user)
    assert (row.state, row.profile, row.password) == ("erased", None, None)
    assert await people.profile(row) is None
    assert await people.profile(before) is None
    assert await people.profiles([before]) == {}
    assert not await people.check_password(before, PASSWORD)
    assert await people.find(EMAIL) is None
    assert await people.find_upstream("https://op.example.com", "42") is None
    assert (await people.erase(user, META)).position is None
    async with connected(database) as connection:
        assert (await proved(connection)).position == 2
    assert [past.event.__class__.__name__ for past in await history(reader, user)] == ["UserRegistered", "UserErased"]
    assert await people.register(ADA, PASSWORD, META) != user
    with pytest.raises(DoesNotExist):
        await people.erase(new_id(), META)


async def files_of(connection: Connection) -> dict[str, bytes]:
    """Everything that Postgres has of this database on its disk, but for its write-ahead log."""
    await connection.execute("checkpoint")
    where = Path(await connection.fetchval("select current_setting('data_directory')"))
    oid = await connection.fetchval("select oid from pg_database where datname = current_database()")
    return {file.name: file.read_bytes() for file in (where / "base" / str(oid)).iterdir() if file.is_file()}


def having(files: dict[str, bytes], traces: list[bytes]) -> list[bytes]:
    return [trace for trace in traces if any(trace in content for content in files.values())]


async def test_no_byte_of_an_erased_person_is_left_in_the_files_of_the_database(people, superuser):
    user = await people.register(ADA, PASSWORD, META)
    others = [await people.register(Profile(email=f"n{n}@example.com"), None, META) for n in range(3)]
    row = await people.row(user)
    wrapped = await superuser.fetchval("select wrapped from vault.people where user_id = $1", user)
    name = await superuser.fetchval("select name from vault.names where user_id = $1", user)
    data_key = people.vault._seal.open(wrapped, user.bytes)
    hashed = await people._opened(user, "password", row.password)
    await superuser.execute("analyze")
    assert having(await files_of(superuser), [wrapped, name]) == [wrapped, name]
    await people.erase(user, META)
    await superuser.execute("analyze")
    traces = [wrapped, name, data_key, hashed, EMAIL.encode(), b"Augusta", b"Lovelace", b"ada.lovelace"]
    assert having(await files_of(superuser), traces) == []
    assert await column(superuser, "select user_id from vault.removed") == []
    assert len(await people.profiles([await people.row(other) for other in others])) == 3


async def test_nor_in_its_write_ahead_log(people, superuser):
    """(Three, for a page of that log may end in the middle of a key.)"""
    users = [await people.register(Profile(email=f"wal{n}@example.com"), None, META) for n in range(3)]
    wrapped = [row[0] for row in await superuser.fetch("select wrapped from vault.people")]
    await superuser.execute("checkpoint")
    assert having(await write_ahead_log(superuser), wrapped) != []
    for user in users:
        await people.erase(user, META)
    assert having(await write_ahead_log(superuser), wrapped) == []


async def write_ahead_log(connection: Connection) -> dict[str, bytes]:
    where = Path(await connection.fetchval("select current_setting('data_directory')")) / "pg_wal"
    return {file.name: file.read_bytes() for file in where.iterdir() if file.is_file()}


async def test_an_erasure_that_was_killed_after_its_event_is_finished_by_housekeeping(people, ledger, superuser):
    user = await people.register(ADA, PASSWORD, META)
    wrapped = await superuser.fetchval("select wrapped from vault.people")
    await handle(ledger, USER, user, EraseUser(at=NOW), META)
    await people.finish()
    assert having(await files_of(superuser), [wrapped]) == []
    assert await people.vault.scrub()


async def test_an_erasure_that_was_killed_before_the_files_were_written_anew_is_finished_by_housekeeping(
    people, superuser
):
    user = await people.register(ADA, PASSWORD, META)
    wrapped = await superuser.fetchval("select wrapped from vault.people")
    await people.vault.remove(user)
    assert having(await files_of(superuser), [wrapped]) == [wrapped]
    await people.finish()
    assert having(await files_of(superuser), [wrapped]) == []


async def test_files_that_somebody_reads_are_written_anew_later(people, superuser):
    user = await people.register(ADA, PASSWORD, META)
    wrapped = await superuser.fetchval("select wrapped from vault.people")
    async with superuser.transaction():
        await superuser.execute("lock table vault.people in access share mode")
        await people.erase(user, META)
        assert not await people.vault.scrub()
    assert await column(superuser, "select user_id from vault.removed") == [user]
    await people.finish()
    assert having(await files_of(superuser), [wrapped]) == []


async def test_what_an_older_snapshot_may_still_see_is_removed_later(people, database, superuser):
    user = await people.register(ADA, PASSWORD, META)
    wrapped = await superuser.fetchval("select wrapped from vault.people")
    async with connected(database) as other, other.transaction(isolation="repeatable_read"):
        await other.fetchval("select 1 from pg_class")
        await people.erase(user, META)
        assert having(await files_of(superuser), [wrapped]) == [wrapped]
        assert await column(superuser, "select user_id from vault.removed") == [user]
    await people.finish()
    assert having(await files_of(superuser), [wrapped]) == []


async def test_another_master_key_wraps_people_too_and_whoever_goes_on_with_the_former_adds_nobody(
    people, ledger, database
):
    new = b"n" * 32
    user = await people.register(ADA, PASSWORD, META)
    assert await rewrapping._wrap(database, MASTER_KEY, new) == 2
    assert await rewrapping._wrap(database, MASTER_KEY, new) == 0
    after = People(ledger, new)
    row = await after.find(EMAIL)
    assert row is not None
    assert row.stream_id == user
    assert await after.profile(row) == ADA
    assert await after.check_password(row, PASSWORD)
    after.close()
    for refused in (people.profile(row), people.register(Profile(email="late@example.com"), None, META)):
        with pytest.raises(WrongMasterKey):
            await refused
