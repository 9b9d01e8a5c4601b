"""What is wrong with the URL of a database of one's own, and with the files that it names."""

from collections.abc import Mapping
from pathlib import Path

from events.database_url import WrongUrl, parsed

VARIABLES = ("PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL")
"""Which the driver reads beside the URL."""


def faults(name: str, url: str, environment: Mapping[str, str]) -> list[str]:
    """Sentences; the URL itself is never shown, for it may hold a password."""
    try:
        named = {f"{name}: {parameter}": file for parameter, file in parsed(url).files.items()}
    except WrongUrl as wrong:
        return [f"{name} {fault} (its value is not shown, for it may hold a password)." for fault in wrong.faults]
    named |= {variable: environment[variable] for variable in VARIABLES if environment.get(variable)}
    return [f"{where}={file} cannot be read: {fault}." for where, file in named.items() if (fault := _unreadable(file))]


def _unreadable(file: str) -> str | None:
    """The driver says of a file that is not there that it has no such file, not which."""
    try:
        Path(file).open("rb").close()
    except OSError as fault:
        return fault.strerror
    return None
