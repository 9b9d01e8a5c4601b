"""Users of an embedded Postgres as processes of their own, so that each can be killed like one."""

import itertools
import json
import os
import pwd
import select
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from service.embedded import binaries, directory
from service.embedded.account import Account
from service.embedded.postmaster import until
from tests.conftest import WHERE
from tests.faults.nursery import Nursery
from tests.patience import PATIENCE

NOBODY = pwd.getpwnam("nobody")
IS_ROOT = os.geteuid() == 0
ORDINARY = Account(NOBODY.pw_uid, NOBODY.pw_gid) if IS_ROOT else None
NUMBERS = itertools.count(1)


class User:
    """A process that uses the server until it is told to leave, or killed."""

    def __init__(self, nursery: Nursery, wish: dict[str, Any], prefix: list[str]) -> None:
        self.said: str | None = None
        (stdin, keeps), (hears, stdout), (reads, stderr) = os.pipe(), os.pipe(), os.pipe()
        self.pid, self._pidfd = nursery.child(wish, prefix, (stdin, stdout, stderr))
        for theirs in (stdin, stdout, stderr):
            os.close(theirs)
        self._stdin, self._stdout, self._stderr = os.fdopen(keeps, "w"), os.fdopen(hears), os.fdopen(reads)

    def answer(self) -> list[str]:
        """What came of it: ["up", url], or the error's class and text."""
        line = self._stdout.readline()
        assert line, self.leave()
        return json.loads(line)

    def up(self) -> str:
        state, text = self.answer()
        assert state == "up", text
        return text

    def refused(self) -> tuple[str, str]:
        state, text = self.answer()
        self.leave()
        return state, text

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.pid, number)

    def kill(self) -> None:
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self.leave()

    def leave(self) -> str:
        """Wait for its end, of which the closed stdin is the sign; what it said on stderr."""
        if self.said is None:
            self._stdin.close()
            # Its pipes close a moment before its locks: only the end of the process is the end of both.
            ended, _, _ = select.select([self._pidfd], [], [], PATIENCE)
            assert ended, f"process {self.pid} does not end"
            with self._stdout, self._stderr:
                self.said = self._stderr.read()
            os.close(self._pidfd)
        return self.said


class World:
    """A place on disk, and the account that people use it with."""

    def __init__(
        self, nursery: Nursery, root: Path, state: Path, programs: Path | None, account: Account | None
    ) -> None:
        self.root, self.state, self.programs, self.account = root, state, programs, account
        self._nursery = nursery
        self.data = root / "data"
        self.users: list[User] = []

    def user(self, *, prefix: list[str] | None = None, **wish: Any) -> User:
        identity = {"uid": self.account and self.account.uid, "gid": self.account and self.account.gid}
        where = {"data": str(self.data), "state": str(self.state), "binaries": self.programs and str(self.programs)}
        user = User(self._nursery, {"settings": {}, **identity, **where, **wish}, prefix or [])
        self.users.append(user)
        return user

    @property
    def cluster(self) -> Path:
        return self.data / "postgres"

    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.cluster / "postmaster.pid").read_text().split()[0]))

    def revived(self, killed: psutil.Process) -> psutil.Process:
        """The postmaster that takes the place of a killed one."""

        def is_back() -> bool:
            with suppress(OSError, IndexError, ValueError, psutil.NoSuchProcess):
                return self.postmaster() != killed and "ready" in (self.cluster / "postmaster.pid").read_text()
            return False

        assert until(is_back, PATIENCE)
        return self.postmaster()

    def running(self, *names: str) -> list[psutil.Process]:
        """The Postgres processes of this world: all, or those with such names."""
        mine = [self.root.resolve(), self.cluster.resolve()]
        return [process for process in _named(names or ("postgres", "initdb")) if _is_at(process, mine)]

    def end(self) -> list[psutil.Process]:
        """Make everybody leave, and say who is still there."""
        for user in self.users:
            user.leave()
        left = self.running()
        for process in left:
            process.kill()
        return left


def _named(names: tuple[str, ...]) -> Iterator[psutil.Process]:
    """Processes with such names; psutil parses ten times as much to know a name."""
    for pid in psutil.pids():
        with suppress(OSError, psutil.NoSuchProcess):
            if Path(f"/proc/{pid}/comm").read_text().strip() in names:
                yield psutil.Process(pid)


def _is_at(process: psutil.Process, places: list[Path]) -> bool:
    try:
        words = {process.cwd(), *process.cmdline()} - {""}  # Postgres pads its title with 80,000 empty words
    except psutil.Error:  # a zombie is nowhere
        return False
    return any(Path(word).is_relative_to(place) for word in words for place in places)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="muniment-state-", dir=WHERE))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def programs(state: Path) -> Path:
    """Postgres programs that everybody can run."""
    if not IS_ROOT:
        return binaries.find(None, None).path
    kept, directory.STATE = directory.STATE, state
    try:
        return binaries.within_reach(binaries.find(None, None), Account(NOBODY.pw_uid, NOBODY.pw_gid)).path
    finally:
        directory.STATE = kept


@pytest.fixture
def make_world(nursery: Nursery, state: Path, programs: Path) -> Iterator[Callable[..., World]]:
    """Worlds whose users have all left at the end, with nothing of theirs still running."""
    worlds: list[tuple[World, bool]] = []

    def make(account: Account | None, root: Path | None = None, *, keep: bool = False) -> World:
        world = World(nursery, root or _new_root(account), state, programs if account or not IS_ROOT else None, account)
        worlds.append((world, keep))
        return world

    yield make
    left = [process for world, _ in worlds for process in world.end()]
    for world, keep in worlds:
        if not keep:
            shutil.rmtree(world.root)
    assert not left, "something was left running"


def _new_root(account: Account | None) -> Path:
    root = Path(tempfile.mkdtemp(prefix="muniment-", dir=WHERE))
    root.chmod(0o755)
    if account:
        os.chown(root, account.uid, account.gid)
    return root


@pytest.fixture
def root_world(make_world: Callable[..., World]) -> World:
    if not IS_ROOT:
        pytest.skip("only root can drop to another account")
    return make_world(None)


@pytest.fixture
def ordinary_world(make_world: Callable[..., World]) -> World:
    return make_world(ORDINARY)


@pytest.fixture(params=["root", "an ordinary user"])
def empty_world(request: pytest.FixtureRequest) -> World:
    """A world without a cluster, for each kind of user."""
    return request.getfixturevalue("root_world" if request.param == "root" else "ordinary_world")


@pytest.fixture(scope="session")
def finished() -> Iterator[dict[str, Path]]:
    """The roots of worlds with a cluster, one for each kind of user; making or copying one takes most of a second."""
    roots: dict[str, Path] = {}
    yield roots
    for root in roots.values():
        shutil.rmtree(root)


@pytest.fixture(params=["root", "an ordinary user"])
def world(
    request: pytest.FixtureRequest, make_world: Callable[..., World], finished: dict[str, Path]
) -> Iterator[World]:
    """A world whose cluster has the table `kept`, for each kind of user; tests leave it as usable as they found it."""
    if request.param == "root" and not IS_ROOT:
        pytest.skip("only root can drop to another account")
    account = None if request.param == "root" else ORDINARY
    world = make_world(account, finished.get(request.param), keep=True)
    if request.param not in finished:
        finished[request.param] = world.root
        user = world.user()
        with psycopg.connect(user.up()) as connection:
            connection.execute("create table kept (value int)")
        user.leave()
    yield world
    world.end()
    world.data.rename(world.root / "data")


@pytest.fixture
def number() -> int:
    """A number that no other test has inserted."""
    return next(NUMBERS)
