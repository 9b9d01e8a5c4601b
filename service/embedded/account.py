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
    """A user id and its one group; when it is not our own, we are root and drop to it."""

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
        # Its own group again, for Python 3.12.0 keeps root's groups where none are named (CVE-2023-6507).
        return None if self.user is None else (self.gid,)


def for_directory(data: Path, cluster: Path) -> Account:
    """The account for a data directory: ourselves, or as root the owner of the cluster, the directory's, or a system account.

    Raises NoAccount.
    """
    if os.geteuid():
        return Account(os.geteuid(), os.getegid())
    # What a person made for themselves stays theirs when root comes by, so they can use it again afterwards.
    return _owner(cluster) or _owner(data, named=True) or _service_account()


def _service_account() -> Account:
    entry = service_account.found_or_made()
    return Account(entry.pw_uid, entry.pw_gid)


def _owner(path: Path, *, named: bool = False) -> Account | None:
    """Whose a path is; None when it is root's or not there, or when it should have a name and has none."""
    if not path.exists() or not (status := path.stat()).st_uid:
        return None
    try:
        return Account(status.st_uid, pwd.getpwuid(status.st_uid).pw_gid)
    except KeyError:
        return None if named else Account(status.st_uid, status.st_gid)


def name_of(uid: int) -> str | None:
    """The account's name; None when it has no passwd entry."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def require_name(account: Account) -> None:
    """Raises NoAccount when the uid has no passwd entry, without which initdb makes no cluster."""
    if name_of(account.uid) is None:
        raise NoAccount(
            f"The user id {account.uid} has no entry in /etc/passwd, and Postgres makes no cluster without one. "
            "Give it an entry, start Muniment as another user, or name a Postgres of your own in MUNIMENT_DATABASE_URL."
        )


def reaches(account: Account, directory: Path) -> bool:
    """Whether the account may pass through this resolved directory and all above it."""
    return all(_may_pass(account, place) for place in (directory, *directory.parents))


def _may_pass(account: Account, directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    return bool(status.st_mode & (0o010 if status.st_gid == account.gid else 0o001))


def run(account: Account, command: Sequence[str | Path], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a Postgres program to its end as the account; stderr is part of stdout. Raises OSError when it cannot be run."""
    return subprocess.run(  # noqa: S603  (a list of arguments, no shell)
        command,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # Our own working directory may be one that the account cannot enter.
        cwd="/",
        env=environment(),
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )


def detach(account: Account, command: Sequence[str | Path], log: int) -> int:
    """Start a server as the account, as nobody's child and in a session of its own; stderr goes to the descriptor. The pid.

    The shell in between leaves at once, so a dead server is never our zombie, whoever of its users started it;
    the new session keeps the terminal's Ctrl-C away from it.
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
    """A clean environment: PGPORT, PGDATA, LANG and their like are the caller's business, not the server's."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
