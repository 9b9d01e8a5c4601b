"""The embedded Postgres in bad times: whatever is killed, whenever, nothing acknowledged is lost and nothing stays behind."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg
import pytest

from service.embedded import account, postmaster
from tests.patience import PATIENCE

# What differs between root and an ordinary user is tested as both; the rest as one of them.
ONE_KIND = pytest.mark.parametrize("world", ["root" if os.geteuid() == 0 else "an ordinary user"], indirect=True)


def until(condition: Callable[[], bool]) -> None:
    assert postmaster.until(condition, PATIENCE)


def insert(url: str, value: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("insert into kept values (%s)", [value])


def kept(url: str) -> list[int]:
    with psycopg.connect(url, autocommit=True) as connection:
        return [value for (value,) in connection.execute("select value from kept order by value").fetchall()]


def test_a_killed_postmaster_is_started_again_while_it_is_in_use(world, number):
    url = world.user().up()
    insert(url, number)
    for _ in range(2):
        killed = world.postmaster()
        killed.kill()
        world.revived(killed)
    assert number in kept(url)


@ONE_KIND
def test_of_several_users_one_starts_the_killed_postmaster_again(world, number):
    users = [world.user() for _ in range(3)]
    url = {user.up() for user in users}.pop()
    insert(url, number)
    killed = world.postmaster()
    killed.kill()
    revived = world.revived(killed)
    users[0].leave()
    users[1].kill()
    assert number in kept(url)
    assert world.postmaster() == revived


@ONE_KIND
def test_a_restart_waits_for_the_backends_that_the_killed_postmaster_left(world, number):
    url = world.user().up()
    with psycopg.connect(url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        backend.suspend()
        killed = world.postmaster()
        killed.kill()
        world.revived(killed)
        assert not postmaster.is_alive(backend)
    insert(url, number)


def test_the_server_of_a_killed_user_is_adopted_and_then_stopped(world, number):
    user = world.user()
    insert(user.up(), number)
    orphan = world.postmaster()
    user.kill()
    heir = world.user()
    assert number in kept(heir.up())
    assert world.postmaster() == orphan
    heir.leave()
    assert world.running() == []


@ONE_KIND
def test_an_orphan_that_no_longer_answers_is_replaced(world, number):
    user = world.user()
    insert(user.up(), number)
    orphan = world.postmaster()
    user.kill()
    orphan.suspend()
    assert number in kept(world.user(impatient=True).up())
    assert world.postmaster() != orphan
    assert not postmaster.is_alive(orphan)


def test_after_both_are_killed_the_next_user_starts_anew(world, number):
    user = world.user()
    insert(user.up(), number)
    server = world.postmaster()
    user.kill()
    server.kill()
    assert number in kept(world.user().up())


def test_a_user_killed_at_any_moment_of_the_first_start_leaves_nothing_that_hinders(empty_world):
    for moment in (0.2, 0.55):
        user = empty_world.user()
        until(lambda: list(empty_world.root.glob("data/*")) != [])
        time.sleep(moment)  # The moments are what is tested.
        user.kill()
    heir = empty_world.user()
    with psycopg.connect(heir.up()) as connection:
        assert connection.execute("select current_database()").fetchone() == ("muniment",)
    heir.leave()
    empty_world.user().up()
    assert list(empty_world.data.glob("postgres.new-*")) == []


def test_what_a_killed_user_left_half_made_is_cleared_even_with_its_initdb_still_at_it(empty_world):
    user = empty_world.user()
    until(lambda: list(empty_world.data.glob("postgres.new-*")) != [])  # cheaper to ask again and again than the next
    until(lambda: empty_world.running("initdb") != [])
    # It forks what it runs: for a moment the child is called initdb, too.
    initdb = min(empty_world.running("initdb"), key=lambda process: (process.create_time(), process.pid))
    initdb.suspend()
    user.kill()
    assert list(empty_world.data.glob("postgres.new-*")) != []
    empty_world.user().up()
    assert not postmaster.is_alive(initdb)
    assert list(empty_world.data.glob("postgres.new-*")) == []


KINDS = [("root", "an ordinary user"), ("root",)] if os.geteuid() == 0 else [("an ordinary user",)] * 2
STRANGERS = [
    *((kind, "another_postgres") for kind in KINDS[0]),
    *((kind, other) for kind in KINDS[1] for other in ("another_program", "a_zombie")),
]


@pytest.fixture
def stranger(request: pytest.FixtureRequest, world) -> Iterator[int]:
    """The pid of a process of the server's own account."""
    program = shutil.copy(shutil.which("sleep") or "", world.root / "postgres")
    command = [program if request.param == "another_postgres" else "sleep", "60"]
    owner = account.for_directory(world.data, world.cluster)
    process = subprocess.Popen(command, cwd="/", user=owner.user, group=owner.group, extra_groups=owner.extra_groups)
    if request.param == "a_zombie":
        process.kill()
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    yield process.pid
    process.kill()
    process.wait()


@pytest.mark.parametrize(("world", "stranger"), STRANGERS, indirect=True)
def test_a_stale_pid_is_not_believed_when_it_now_belongs_to(stranger, world, number):
    user = world.user()
    insert(user.up(), number)
    server = world.postmaster()
    user.kill()
    server.kill()
    for file in (world.cluster / "postmaster.pid", world.cluster / ".s.PGSQL.5432.lock"):
        _, rest = file.read_text().split("\n", 1)
        file.write_text(f"{stranger}\n{rest}")
    assert number in kept(world.user().up())
    assert psutil.pid_exists(stranger)


@pytest.mark.parametrize("world", ["root"], indirect=True)
def test_a_server_in_another_container_is_not_taken_for_dead(world):
    world.user().up()
    container = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*container, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a pid namespace")
    kind, text = world.user(prefix=container).refused()
    assert kind == "InUseElsewhere"
    assert "another container" in text
