"""The places of an embedded Postgres on disk: its cluster, the files beside it, and its socket."""

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from service.embedded.account import Account, for_directory, name_of, reaches
from service.embedded.errors import DirectoryRefused

STATE = Path("/var/lib/muniment")
# The address of a Unix socket can have 108 bytes on Linux and 104 elsewhere, including the final NUL.
SOCKET_LIMIT_BYTES = 100
SOCKET_NAME = ".s.PGSQL.5432"


class Directory(Struct, frozen=True):
    """One embedded Postgres: its cluster, the files beside it in `base`, and the account that runs it."""

    data: Path
    cluster: Path
    account: Account

    @property
    def base(self) -> Path:
        return self.cluster.parent

    @property
    def link(self) -> Path:
        """The cluster, or a link to it if the account could not reach the data directory."""
        return self.data / "postgres"

    @property
    def password(self) -> Path:
        # It is inside the cluster, so that one rename creates both or neither.
        return self.cluster / "muniment.password"

    @property
    def log(self) -> Path:
        return self.base / "postgres.log"

    @property
    def name(self) -> str:
        """A short, unique name of this cluster. The titles of its processes show it."""
        return f"muniment-{_digest(self.cluster)}"

    @property
    def socket(self) -> Path:
        return self.socket_directory / SOCKET_NAME

    @property
    def socket_directory(self) -> Path:
        """The cluster itself (0700), or a directory under /tmp if the cluster's path cannot be a socket's address.

        It is not in XDG_RUNTIME_DIR, which differs between a login, cron and sudo, and is removed at logout.
        """
        # A comma would split one host into two in the URL.
        fits = len(os.fsencode(self.cluster / SOCKET_NAME)) <= SOCKET_LIMIT_BYTES and "," not in str(self.cluster)
        return self.cluster if fits else Path("/tmp") / self.name  # noqa: S108  (open_socket_directory checks its owner)


def locate(data: Path) -> Directory:
    """Makes the data directory if it is missing, and returns the places of its Postgres. Raises DirectoryRefused, NoAccount."""
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
    """Returns the place of the cluster: in the data directory, or under STATE if the account cannot reach that.

    An existing cluster stays where it is, even if permissions change: `data/postgres` is the cluster or a link to it.
    """
    link = data / "postgres"
    if account.user is None or link.is_symlink() or link.exists() or reaches(account, data):
        return link.resolve()
    return STATE / f"{data.name.strip('.')}-{_digest(data)}" / "postgres"


def make_state(path: Path) -> None:
    """Makes a directory that every account may pass through, regardless of the umask. An existing one does not change."""
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def refusal(path: Path, error: OSError) -> DirectoryRefused:
    """Returns the refusal of a path that we cannot use. If the error names a path, the text has that one."""
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
    """Raises DirectoryRefused if the cluster does not belong to the account."""
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
    """Opens a file beside the cluster for appending, private to the owner of the base. Raises DirectoryRefused."""
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
    """Makes the socket's directory, or checks that it is private to the account. Raises DirectoryRefused."""
    directory = place.socket_directory
    if directory == place.cluster:
        return
    try:
        directory.mkdir(mode=0o700)
        if place.account.user is not None:
            os.chown(directory, place.account.uid, place.account.gid, follow_symlinks=False)
    except FileExistsError:
        # Every user may make a directory of this name under /tmp, and its owner could answer instead of the server.
        status = directory.lstat()
        private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
        if status.st_uid != place.account.uid or not private:
            raise DirectoryRefused(
                f"{directory} should be a private directory of {name_of(place.account.uid) or place.account.uid} for the "
                "server's socket, but another user made it: remove it, or name a shorter directory in MUNIMENT_DATA."
            ) from None
    except OSError as error:
        raise refusal(directory, error) from error


def close_socket_directory(place: Directory) -> None:
    """Removes the socket's directory after its server has stopped."""
    if place.socket_directory != place.cluster:
        with suppress(OSError):
            place.socket_directory.rmdir()
