"""The account that runs Postgres, which refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from service.embedded import service_account
from service.embedded.errors import NoAccount


class Account(Struct, frozen=True):
    """A user id and its one group. If it is not our own, we are root and run Postgres under it."""

    uid: int
    gid: int

    @property
    def user(self) -> int | None:
        return None if self.uid == os.geteuid() else self.uid

    @property
    def group(self) -> int | None:
        return None if self.user is None else self.gid

    @property
    def extra_groups(self) -> Iterable[int] | None:
        # We name its own group, because Python 3.12.0 keeps root's groups if the list is empty (CVE-2023-6507).
        return None if self.user is None else (self.gid,)


def for_directory(data: Path, cluster: Path) -> Account:
    """Returns the account for a data directory: our own, or for root the owner of the cluster or directory, or a system account.

    Raises NoAccount.
    """
    if os.geteuid():
        return Account(os.geteuid(), os.getegid())
    # A cluster that a user made stays that user's when root runs it, so that the user can run it again.
    return _owner(cluster) or _owner(data, named=True) or _service_account()


def _service_account() -> Account:
    entry = service_account.found_or_made()
    return Account(entry.pw_uid, entry.pw_gid)


def _owner(path: Path, *, named: bool = False) -> Account | None:
    """Returns the owner of a path; None if it is root's or missing, or if it needs a name (`named`) and has none."""
    if not path.exists() or not (status := path.stat()).st_uid:
        return None
    try:
        return Account(status.st_uid, pwd.getpwuid(status.st_uid).pw_gid)
    except KeyError:
        return None if named else Account(status.st_uid, status.st_gid)


def name_of(uid: int) -> str | None:
    """Returns the account's name; None if it has no passwd entry."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def require_name(account: Account) -> None:
    """Raises NoAccount if the uid has no passwd entry, which initdb needs."""
    if name_of(account.uid) is None:
        raise NoAccount(
            f"The user id {account.uid} has no entry in /etc/passwd, and Postgres makes no cluster without one. "
            "Give it an entry, start Muniment as another user, or name a Postgres of your own in MUNIMENT_DATABASE_URL."
        )


def reaches(account: Account, directory: Path) -> bool:
    """Returns whether the account may pass through this resolved directory and all directories above it."""
    return all(_may_pass(account, place) for place in (directory, *directory.parents))


def _may_pass(account: Account, directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    return bool(status.st_mode & (0o010 if status.st_gid == account.gid else 0o001))


def run(account: Account, command: Sequence[str | Path], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a Postgres program as the account until it ends; stderr is part of stdout. Raises OSError if it cannot be run."""
    return subprocess.run(  # noqa: S603  (a list of arguments, no shell)
        command,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # The account may not be able to enter our own working directory.
        cwd="/",
        env=environment(),
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )


def detach(account: Account, command: Sequence[str | Path], log: int) -> int:
    """Starts a server as the account, detached and in a new session, and returns its pid. stderr goes to the descriptor.

    The shell in between ends at once, so that the server is not our child and never becomes our zombie. Because of the new
    session, Ctrl-C in the terminal does not reach the server.
    """
    shell = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", '"$@" >&2 </dev/null & echo $!', "sh", *command],
        stdout=subprocess.PIPE,
        stderr=log,
        check=True,
        cwd="/",
        env=environment(),
        start_new_session=True,
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )
    return int(shell.stdout)


def environment() -> dict[str, str]:
    """Returns a clean environment, because the caller's PGPORT, PGDATA, LANG and the like must not affect the server."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
