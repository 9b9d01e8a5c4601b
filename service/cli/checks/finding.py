"""What a check of muniment doctor says is wrong, and the command that mends it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from events.database import Connection
from service.configuration.settings import Settings

Level = Literal["error", "warning"]
"""An error stops something, or will; a warning is a risk."""


class Finding(Struct, frozen=True, kw_only=True):
    """`says` is a sentence, and `mend` a command; "" where no command mends it."""

    level: Level
    says: str
    mend: str = ""


class Installation(Struct, frozen=True):
    """The installation that is examined: its settings, and a connection in the role of the service."""

    settings: Settings
    connection: Connection

    async def age(self, at: datetime) -> timedelta:
        """Return how long ago this was by the clock of the database."""
        return await self.connection.fetchval("select clock_timestamp() - $1::timestamptz", at)


class Check(Struct, frozen=True):
    """`look` returns what is wrong. What it raises is a finding, too."""

    name: str
    look: Callable[[Installation], Awaitable[Sequence[Finding]]]


def error(says: str, mend: str = "") -> Finding:
    return Finding(level="error", says=says, mend=mend)


def warning(says: str, mend: str = "") -> Finding:
    return Finding(level="warning", says=says, mend=mend)
