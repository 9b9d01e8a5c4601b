"""Devices that wait for their user's answer: how often they ask (RFC 8628 section 3.5), and from where they began.

All processes share this. None of it is a fact: after a crash of the database it is empty, and devices may ask at once.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, json

from events.database import AnyConnection, Pool, read
from service.crypto.sealing import Seal

INTERVAL_SECONDS = 5
"""Between two requests of a device; each one that comes too early adds as much again (section 3.5)."""

LONGEST_INTERVAL = 60
TOLERANCE_SECONDS = 1
"""A request may arrive a little earlier after the one before than it was sent."""

BEGIN = "insert into limits.devices (stream_id, origin, wait, until) values ($1, $2, $3, $4)"
ORIGIN = "select origin from limits.devices where stream_id = $1"
POLL = f"""
with asked as (
  select stream_id, coalesce(polled_at > statement_timestamp() - make_interval(secs => wait - {TOLERANCE_SECONDS}), false) as early
    from limits.devices where stream_id = $1 for update
)
update limits.devices as d set polled_at = statement_timestamp(), early = asked.early,
       wait = case when asked.early then least(d.wait + {INTERVAL_SECONDS}, {LONGEST_INTERVAL}) else d.wait end
  from asked where d.stream_id = asked.stream_id returning d.early
"""
FORGET = "delete from limits.devices where until < statement_timestamp()"


class Origin(Struct, frozen=True, kw_only=True):
    """The address and the User-Agent of the request that began it. Its repr hides both."""

    address: str
    agent: str

    def __repr__(self) -> str:
        return "Origin(…)"


UNKNOWN = Origin(address="", agent="")


class WaitingDevices:
    """One per process."""

    def __init__(self, connections: Pool, master_key: bytes) -> None:
        self._connections = connections
        self._seal = Seal(master_key, "muniment origins of devices")

    async def begin(self, stream: UUID, origin: Origin, until: datetime) -> None:
        sealed = self._seal.close_as_text(json.encode(origin), stream.bytes)
        await read(
            self._connections, lambda connection: connection.execute(BEGIN, stream, sealed, INTERVAL_SECONDS, until)
        )

    async def origin(self, stream: UUID) -> Origin:
        sealed = await read(self._connections, lambda connection: connection.fetchval(ORIGIN, stream))
        return UNKNOWN if sealed is None else json.decode(self._seal.open_text(sealed, stream.bytes), type=Origin)

    async def asks_too_early(self, stream: UUID) -> bool:
        """Count one request of the device. Return whether it came too early; the device must wait longer from then on."""
        return await read(self._connections, lambda connection: connection.fetchval(POLL, stream)) is True


async def forget(connection: AnyConnection) -> None:
    """Delete devices whose codes have expired."""
    await connection.execute(FORGET)
