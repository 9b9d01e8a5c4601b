"""The embedded Postgres in good times: made, shared, left."""

import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest

from service.embedded import postmaster
from tests.patience import PATIENCE

# What differs between root and an ordinary user is tested as both; the rest as one of them.
ONE_KIND = pytest.mark.parametrize("world", ["an ordinary user"], indirect=True)
SETTINGS = {
    "server_encoding": "UTF8",
    "data_checksums": "on",
    "wal_segment_size": "1MB",
    "listen_addresses": "",
    "TimeZone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
}


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row and row[0]


def until(condition: Callable[[], bool]) -> None:
    assert postmaster.until(condition, PATIENCE)


def test_a_cluster_is_private_durable_and_checked(world):
    url = world.user().up()
    assert {name: ask(url, f"show {name}") for name in SETTINGS} == SETTINGS
    assert ask(url, "select current_user || '@' || current_database()") == "postgres@muniment"
    assert world.cluster.stat().st_mode & 0o777 == 0o700
    assert (world.cluster / "muniment.password").stat().st_mode & 0o777 == 0o600
    assert world.postmaster().net_connections("inet") == []


@ONE_KIND
def test_nobody_comes_in_without_the_password(world):
    url = world.user().up()
    password = (world.cluster / "muniment.password").read_text()
    assert len(password) >= 32
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(url.replace(password, "guessed"), "select 1")


def test_the_last_user_stops_the_server_and_what_was_committed_is_there_next_time(world, number):
    user = world.user()
    ask(user.up(), f"insert into kept values ({number}) returning value")
    user.leave()
    assert world.running() == []
    assert "database system is shut down" in (world.data / "postgres.log").read_text()
    assert ask(world.user().up(), f"select value from kept where value = {number}") == number


@ONE_KIND
def test_a_second_user_joins_and_goes_on_when_the_first_leaves(world):
    first = world.user(settings={"work_mem": "5MB"})
    first.up()
    second = world.user(settings={"work_mem": "6MB"})
    url, server = second.up(), world.postmaster()
    first.leave()
    assert ask(url, "show work_mem") == "5MB"
    assert world.postmaster() == server
    second.leave()
    assert not postmaster.is_alive(server)


def test_users_who_come_at_the_same_instant_to_an_empty_directory_share_one_server(empty_world):
    users = [empty_world.user() for _ in range(3)]
    urls = {user.up() for user in users}
    assert len(urls) == 1
    assert ask(urls.pop(), "select count(*) from pg_database where datname = 'muniment'") == 1


def test_users_who_come_and_go_at_once_never_meet_a_server_on_its_way_out(world):
    for _ in range(2):
        leaving, staying = world.user(), None
        leaving.up()
        leaving.signal(signal.SIGTERM)
        staying = world.user()
        assert ask(staying.up(), "select 1") == 1
        leaving.leave()
        assert ask(world.user().up(), "select 1") == 1
        staying.leave()


@ONE_KIND
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_user_who_is_told_to_end_stops_the_server_in_order(world, number):
    user = world.user()
    user.up()
    user.signal(number)
    user.leave()
    assert world.running() == []
    assert "received fast shutdown request" in (world.data / "postgres.log").read_text()


@pytest.mark.parametrize("name", ["a, b 'c' \"d\" $HOME %40", "long" * 30], ids=["odd", "long"])
def test_the_server_runs_in_a_directory_with_a_name_that_is(world, name):
    world.data = world.data.rename(world.root / name)
    user = world.user()
    url = user.up()
    socket = Path(unquote(url.split("host=")[1].split("&")[0]))
    assert ask(url, "select true from kept limit 1") in (None, True)
    assert (socket / ".s.PGSQL.5432").is_socket()
    assert socket.stat().st_mode & 0o777 == 0o700
    user.leave()
    assert socket.parent != Path("/tmp") or not socket.exists()


def test_the_log_is_bounded_however_long_the_server_runs(world):
    url = world.user(log_limit=20_000).up()
    log, aside = world.data / "postgres.log", world.data / "postgres.log.1"
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(200):
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute(f"select {number} / 0 -- {'x' * 200}".encode())
    until(lambda: aside.exists() and log.stat().st_size < 20_000)
    assert 0 < aside.stat().st_size <= 20_000
    assert log.stat().st_uid == aside.stat().st_uid == world.data.stat().st_uid
    assert log.stat().st_mode & 0o777 == 0o600


@ONE_KIND
def test_the_environment_of_the_starter_does_not_reach_the_server(world):
    its_own = ["PGPORT=1", "PGDATA=/nowhere", "LC_ALL=xx_XX", "TZ=Pacific/Chatham", "SECRET=s3cret"]
    url = world.user(prefix=["env", *its_own]).up()
    assert ask(url, "show log_timezone") == "UTC"
    assert "SECRET" not in world.postmaster().environ()
