"""Where an embedded Postgres lives on disk: its cluster, what lies beside that, its socket."""

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from service.embedded.account import Account, for_directory, name_of, reaches
from service.embedded.errors import DirectoryRefused

STATE = Path("/var/lib/muniment")
# An address of a Unix socket holds 108 bytes on Linux and 104 elsewhere, its terminating NUL included.
SOCKET_LIMIT_BYTES = 100
SOCKET_NAME = ".s.PGSQL.5432"


class Directory(Struct, frozen=True):
    """One embedded Postgres: its cluster, what lies beside that in `base`, and the account that runs it."""

    data: Path
    cluster: Path
    account: Account

    @property
    def base(self) -> Path:
        return self.cluster.parent

    @property
    def link(self) -> Path:
        """Where the cluster is, or what leads to it when the account could not reach it there."""
        return self.data / "postgres"

    @property
    def password(self) -> Path:
        # Inside the cluster, so that one rename brings both or neither into being.
        return self.cluster / "muniment.password"

    @property
    def log(self) -> Path:
        return self.base / "postgres.log"

    @property
    def name(self) -> str:
        """A short name that is this cluster's alone, shown in the titles of its processes."""
        return f"muniment-{_digest(self.cluster)}"

    @property
    def socket(self) -> Path:
        return self.socket_directory / SOCKET_NAME

    @property
    def socket_directory(self) -> Path:
        """The cluster itself (0700), or one under /tmp where that makes no good address.

        Not XDG_RUNTIME_DIR: it differs between a login, cron and sudo, and vanishes at logout.
        """
        # A comma would make two hosts of one in the URL.
        fits = len(os.fsencode(self.cluster / SOCKET_NAME)) <= SOCKET_LIMIT_BYTES and "," not in str(self.cluster)
        return self.cluster if fits else Path("/tmp") / self.name  # noqa: S108  (guarded in open_socket_directory)


def locate(data: Path) -> Directory:
    """Make the data directory if need be and say where its Postgres lives. Raises DirectoryRefused, NoAccount."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        data = data.resolve(strict=True)
        account = for_directory(data, data / "postgres")
        cluster = _cluster(data, account)
        if cluster.parent != data:
            make_state(cluster.parent.parent)
            make_state(cluster.parent)
        _check_reach(account, cluster)
    except OSError as error:
        raise refusal(data, error) from error
    return Directory(data, cluster, account)


def _cluster(data: Path, account: Account) -> Path:
    """In the data directory, or under STATE when the account cannot get there.

    Once made it stays where it is, whatever becomes of the permissions: `data/postgres` is it or leads to it.
    """
    link = data / "postgres"
    if account.user is None or link.is_symlink() or link.exists() or reaches(account, data):
        return link.resolve()
    return STATE / f"{data.name.strip('.')}-{_digest(data)}" / "postgres"


def make_state(path: Path) -> None:
    """Make a directory that every account may pass through, whatever the umask; one that is there stays as it is."""
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def refusal(path: Path, error: OSError) -> DirectoryRefused:
    """The sentence for a path that the system does not let us use; the error's own path is the better one."""
    path = Path(error.filename) if isinstance(error.filename, str) else path
    existing = next(place for place in (path, *path.absolute().parents) if _visible(place))
    hint = "Make room for it, or name another directory in MUNIMENT_DATA."
    if isinstance(error, PermissionError):
        hint = _whose(existing)
    return DirectoryRefused(f"{path} cannot be used: {error.strerror or error}. {hint}")


def _whose(path: Path) -> str:
    owner, we = path.stat().st_uid, os.geteuid()
    if we == 0:
        return (
            "This root may not do what root can do elsewhere: run Muniment as an ordinary user, "
            "or name a Postgres of your own in MUNIMENT_DATABASE_URL."
        )
    return (
        f"{path} belongs to {name_of(owner) or owner} and this process runs as {name_of(we) or we}: "
        "run it as the owner, or name a directory that it may write in MUNIMENT_DATA."
    )


def _visible(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def check_owner(place: Directory) -> None:
    """Raises DirectoryRefused when the cluster is not the account's."""
    owner = place.cluster.stat().st_uid
    if owner != place.account.uid:
        raise DirectoryRefused(
            f"The cluster in {place.cluster} belongs to {name_of(owner) or owner}, so "
            f"{name_of(place.account.uid) or place.account.uid} cannot run Postgres on it: run Muniment as its owner, "
            "give it away with chown -R, or name another directory in MUNIMENT_DATA."
        )


def _check_reach(account: Account, cluster: Path) -> None:
    if account.user is not None and not reaches(account, cluster.parent):
        raise DirectoryRefused(
            f"{name_of(account.uid) or account.uid}, who runs Postgres, may not pass through {cluster.parent} and all "
            f"directories above it to the cluster in {cluster}: let others pass (chmod o+x), or move the cluster."
        )


def open_beside(place: Directory, name: str) -> int:
    """Open a file of ours beside the cluster for appending, private to whoever owns the base. Raises DirectoryRefused."""
    path = place.base / name
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        owner = place.base.stat()
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise refusal(path, error) from error
    return descriptor


def open_socket_directory(place: Directory) -> None:
    """Make sure that the socket's directory is a private one of the account's. Raises DirectoryRefused."""
    directory = place.socket_directory
    if directory == place.cluster:
        return
    try:
        directory.mkdir(mode=0o700)
        if place.account.user is not None:
            os.chown(directory, place.account.uid, place.account.gid, follow_symlinks=False)
    except FileExistsError:
        # Anybody may make a directory of this name under /tmp: whoever owns it could answer in the server's place.
        status = directory.lstat()
        private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
        if status.st_uid != place.account.uid or not private:
            raise DirectoryRefused(
                f"{directory} should be a private directory of {name_of(place.account.uid) or place.account.uid} for the "
                "server's socket, but somebody else made it: remove it, or name a shorter directory in MUNIMENT_DATA."
            ) from None
    except OSError as error:
        raise refusal(directory, error) from error


def close_socket_directory(place: Directory) -> None:
    """Take the socket's directory away again once its server has stopped."""
    if place.socket_directory != place.cluster:
        with suppress(OSError):
            place.socket_directory.rmdir()
