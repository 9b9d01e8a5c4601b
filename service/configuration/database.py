"""Checks the URL of an external database, and the files that it names."""

from collections.abc import Mapping
from pathlib import Path

from events.database_url import WrongUrl, parsed

VARIABLES = ("PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL")
"""Variables with file names, which the driver reads in addition to the URL."""


def faults(name: str, url: str, environment: Mapping[str, str]) -> list[str]:
    """Return the faults as sentences. The URL itself is never shown, because it may contain a password."""
    try:
        named = {f"{name}: {parameter}": file for parameter, file in parsed(url).files.items()}
    except WrongUrl as wrong:
        return [f"{name} {fault} (its value is not shown, for it may hold a password)." for fault in wrong.faults]
    named |= {variable: environment[variable] for variable in VARIABLES if environment.get(variable)}
    return [f"{where}={file} cannot be read: {fault}." for where, file in named.items() if (fault := _unreadable(file))]


def _unreadable(file: str) -> str | None:
    """Return why the file cannot be read, or None. The driver's own error for a missing file does not name the file."""
    try:
        Path(file).open("rb").close()
    except OSError as fault:
        return fault.strerror
    return None
