"""Finds or makes the system account that runs Postgres when Muniment runs as root."""

import logging
import os
import pwd
import shutil
import subprocess

from service.embedded.errors import NoAccount

LOG = logging.getLogger(__name__)
NAME = "muniment"
# `nobody` is not in the list: other daemons run as `nobody` too and could read the cluster and its password.
KNOWN = (NAME, "postgres")
# These are not in PATH after `su` without a dash.
SYSTEM_PATHS = ("/usr/sbin", "/sbin")
USERADD = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "--user-group", NAME)
# BusyBox (Alpine) has these two instead. Without its own group the account would share `nogroup`.
ADDGROUP = ("addgroup", "-S", NAME)
ADDUSER = ("adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", "-G", NAME, NAME)


def found_or_made() -> pwd.struct_passwd:
    """Returns the account. Only root calls it. Raises NoAccount."""
    return _found() or _made()


def _found(names: tuple[str, ...] = KNOWN) -> pwd.struct_passwd | None:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _made() -> pwd.struct_passwd:
    said = _make()
    if (entry := _found((NAME,))) is None:
        raise NoAccount(
            f"Postgres does not run as root, and the system account {NAME}, which would run it, cannot be made: {said}. "
            f"Make it yourself ({' '.join(USERADD)}), start Muniment as an ordinary user, "
            "or name a Postgres of your own in MUNIMENT_DATABASE_URL."
        )
    LOG.warning("The system account %s was made: it runs Postgres, which does not run as root", NAME)
    return entry


def _make() -> str:
    """Returns the output of the programs. They may fail because another process makes the account at the same time."""
    if _program("useradd"):
        return _said(USERADD)
    if _program("adduser"):
        return "; ".join(filter(None, (_said(ADDGROUP), _said(ADDUSER))))
    return "there is neither useradd nor adduser"


def _said(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (constants alone)
            [_program(command[0]) or command[0], *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    return " ".join(done.stdout.split()).rstrip(".")


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_PATHS)))
