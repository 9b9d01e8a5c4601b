"""Makes a new cluster: completely or not at all, and synced to disk before it gets its name."""

import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from service.embedded import login, postmaster
from service.embedded.account import name_of, require_name, run
from service.embedded.binaries import Binaries
from service.embedded.directory import Directory, refusal
from service.embedded.errors import DirectoryRefused, NotCreated

LOG = logging.getLogger(__name__)
STAGING = "postgres.new-"
FIRST_BUILTIN_LOCALE = 17
FIRST_SYNCFS = 17
REMOVAL_SECONDS = 5.0


def exists(place: Directory) -> bool:
    """Returns whether this data directory has a cluster, or a link to one."""
    return place.link.resolve() == place.cluster and (place.cluster / "PG_VERSION").exists()


def create(place: Directory, binaries: Binaries) -> None:
    """Makes the cluster. Call it only within `changing`. Raises NotCreated, NoAccount, DirectoryRefused."""
    require_name(place.account)
    if place.base == place.data and place.cluster.exists() and any(place.cluster.iterdir()):
        raise DirectoryRefused(f"{place.cluster} is neither empty nor a Postgres cluster: move it away.")
    try:
        if place.base != place.data:
            _lead_elsewhere(place)
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=place.base))
        try:
            _fill(place, binaries, staging)
            (staging / "cluster").rename(place.cluster)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        _sync(place.base)
    except OSError as error:
        raise refusal(place.base, error) from error


def _fill(place: Directory, binaries: Binaries, staging: Path) -> None:
    if place.account.user is not None:
        os.chown(staging, place.account.uid, place.account.gid)
    password, cluster = staging / "password", staging / "cluster"
    _write_password(password, place)
    _do(place, [binaries.path / "initdb", "-D", cluster, f"--pwfile={password}", "--no-sync", *_nature(binaries)])
    single = [binaries.path / "postgres", "--single", "-F", "-c", "exit_on_error=on", "-D", cluster, "postgres"]
    lines = ["create database muniment strategy file_copy", *login.statements(password.read_text())]
    _do(place, single, stdin="".join(f"{line}\n" for line in lines))
    password.rename(cluster / place.password.name)
    # One sync of the whole file system takes 30 ms; a sync of each of a thousand files takes 120 ms.
    method = ["--sync-method=syncfs"] if sys.platform == "linux" and binaries.major >= FIRST_SYNCFS else []
    _do(place, [binaries.path / "initdb", "--sync-only", *method, "-D", cluster])


def _nature(binaries: Binaries) -> list[str]:
    """Returns options that cannot change later: superuser, checksums, code-point order on any machine, passwords for all, and segments of
    the write-ahead log of 1 MB. Each segment is a new file that Postgres fills with zeros (service/embedded/server.py): with the usual
    16 MB, the commit that begins it took 58 ms, and each other one waited for it; with 1 MB it takes 3.
    """
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    locale = ["--locale=C", *(builtin if binaries.major >= FIRST_BUILTIN_LOCALE else [])]
    return ["-U", "postgres", "-E", "UTF8", *locale, "--auth=scram-sha-256", "--data-checksums", "--wal-segsize=1"]


def _do(place: Directory, command: Sequence[str | Path], *, stdin: str = "") -> None:
    done = run(place.account, command, stdin=stdin)
    if done.returncode:
        raise NotCreated(
            f"A new Postgres cluster could not be made in {place.base}: {Path(command[0]).name} said\n{done.stdout.strip()}"
        )


def _write_password(path: Path, place: Directory) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
        if place.account.user is not None:
            os.fchown(descriptor, place.account.uid, place.account.gid)


def clear_staging(place: Directory) -> None:
    """Removes the files of an interrupted creation, and ends its processes. Call it only within `changing`."""
    for staging in place.base.glob(f"{STAGING}*"):
        for process in psutil.process_iter():
            if _works_in(process, staging):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        postmaster.until(lambda staging=staging: _is_removed(staging), REMOVAL_SECONDS)


def _works_in(process: psutil.Process, staging: Path) -> bool:
    """Returns whether this is an initdb whose command line names the directory, or a postgres that works in it."""
    try:
        if process.name() not in {"initdb", "postgres"}:
            return False
        return any(word.startswith(str(staging)) for word in (*process.cmdline(), process.cwd()))
    except psutil.Error:
        return False


def _is_removed(staging: Path) -> bool:
    # A killed process may have made another file before it ended.
    shutil.rmtree(staging, ignore_errors=True)
    return not staging.exists()


def _lead_elsewhere(place: Directory) -> None:
    """Makes the link in the data directory to the place of the cluster. Raises DirectoryRefused."""
    who = name_of(place.account.uid)
    if not place.link.is_symlink():
        if place.cluster.exists():
            _set_aside(place)
        place.link.symlink_to(place.cluster)
        _sync(place.data)
    LOG.warning("%s, who runs Postgres, cannot reach %s, so its cluster is kept in %s", who, place.data, place.cluster)


def _set_aside(place: Directory) -> None:
    """Renames the cluster of an earlier data directory of the same name, which was removed with its keys."""
    if process := postmaster.find(place):
        raise DirectoryRefused(
            f"{place.data} was removed while its Postgres (pid {process.pid}) still runs in {place.cluster}: stop it first."
        )
    aside = place.cluster.with_name(f"postgres.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    place.cluster.rename(aside)
    LOG.warning("%s is a new directory; the cluster of the former one was set aside in %s", place.data, aside)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
