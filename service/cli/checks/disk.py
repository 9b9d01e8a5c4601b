"""Free space for the logs, which only grow: of an embedded cluster, and of a database on this machine."""

import shutil
from pathlib import Path

from events.database import log_in
from service.cli.checks.finding import Finding, Installation, error, warning
from service.cli.opening import url_of
from service.embedded.directory import locate

LEAST, LITTLE = 256 * 2**20, 2**30
FEW, ENOUGH = 0.05, 20 * 2**30
"""The share of the disk that should be free, unless so much is."""

DIRECTORY = """
select case when inet_server_addr() is null and pg_has_role(session_user, 'pg_read_all_settings', 'usage')
            then current_setting('data_directory') end
"""


async def look(installation: Installation) -> list[Finding]:
    place = (
        locate(installation.settings.data).cluster if installation.settings.embedded else await _directory(installation)
    )
    if place is None or not place.exists():
        return []
    usage = shutil.disk_usage(place)
    return findings(str(place), usage.free, usage.total)


async def _directory(installation: Installation) -> Path | None:
    """The directory of a database on this machine, if its login may ask for it; no other can be looked at from here."""
    connection = await log_in(url_of(installation.settings))  # the role of the service may not ask
    try:
        asked = await connection.fetchval(DIRECTORY)
    finally:
        connection.terminate()
    return None if asked is None else Path(asked)


def findings(place: str, free: int, total: int) -> list[Finding]:
    """In bytes."""
    said = f"The disk of {place} has {free / 2**20:,.0f} MB free of {total / 2**30:,.0f} GB."
    mend = f"du -xh {place} | sort -h | tail, then make room; MUNIMENT_ISSUANCE_RETENTION deletes records of old tokens"
    if free < LEAST:
        return [error(f"{said} When it is full, nothing can be issued or changed.", mend)]
    if free < LITTLE or free < min(FEW * total, ENOUGH):
        return [warning(said, mend)]
    return []
