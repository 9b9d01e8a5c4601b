"""Connections to Postgres: always as the one role that may do no more than the service needs."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:  # generic only in their stubs
    Connection = asyncpg.Connection[asyncpg.Record]
    AnyConnection = Connection | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection, Pool = asyncpg.Connection, asyncpg.Pool
    AnyConnection = Connection | PoolConnectionProxy

LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, or a primary that is one no more: the way to the primary must be found again
)
"""What it looks like when the server or the way to it is gone, for now."""

PATIENCE_SECONDS = 5.0
"""How long a request waits for a Postgres that is restarting or failing over before it is told to come again."""

ANSWER_SECONDS = 15.0
"""How long a connection may keep us waiting for one answer before it counts as lost: its host may have vanished without a word."""

WRITER = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "2s",
}
"""Settings of a session that appends: plans are made once, and never degrade into a scan of the log. Never a statement timeout."""


class Unavailable(Exception):
    """The database cannot be reached, or cannot promise durability, right now. Nothing was acknowledged; come again."""


async def connect(url: str, **settings: str) -> Connection:
    """A connection as muniment_service. Raises what LOST lists when the server is away."""
    return await asyncpg.connect(url, timeout=PATIENCE_SECONDS, server_settings=_settings(settings))


@asynccontextmanager
async def pool(url: str, *, size: int = 4) -> AsyncGenerator[Pool]:
    """Connections for reads. They hold no session state, so none is reset on release (that would double the round trips)."""
    async with asyncpg.create_pool(url, min_size=0, max_size=size, reset=_keep, server_settings=_settings({})) as made:
        yield made


Answer = TypeVar("Answer")


@asynccontextmanager
async def ended_if_lost(connection: AnyConnection) -> AsyncGenerator[None]:
    """A connection that failed in the middle of something is never used again, whatever it says of itself."""
    # Ended, not cancelled: what would be unwound (a rollback, say) would wait on the same silent connection.
    silence = asyncio.get_running_loop().call_later(ANSWER_SECONDS, connection.terminate)
    try:
        yield
    except LOST as fault:
        # (asyncpg's own word for an argument that does not fit is an InterfaceError too.)
        if not isinstance(fault, ValueError):
            connection.terminate()
        raise
    finally:
        silence.cancel()


async def read(pool: Pool, ask: Callable[[AnyConnection], Awaitable[Answer]]) -> Answer:
    """Asks over a connection of the pool, and again while the server is away. Raises Unavailable after PATIENCE_SECONDS."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            async with pool.acquire(timeout=PATIENCE_SECONDS) as connection, ended_if_lost(connection):
                return await ask(connection)
        except (*LOST, TimeoutError) as fault:
            if isinstance(fault, ValueError):
                raise
            if time.monotonic() > until:
                raise Unavailable("the database cannot be reached") from fault
            await asyncio.sleep(0.05)


class Session:
    """One connection of its own for one use, made when it is first needed and again after it was lost."""

    def __init__(self, url: str, **settings: str) -> None:
        self._url = url
        self._settings = settings
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self.warnings: list[str] = []

    async def connection(self) -> Connection:
        """The live connection. Waits up to PATIENCE_SECONDS for a server that is restarting, then raises Unavailable."""
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._patiently()
                self._connection.add_log_listener(self._heard)
            return self._connection

    @asynccontextmanager
    async def using(self) -> AsyncGenerator[Connection]:
        """The live connection, for one caller at a time; it is given up when it fails under the caller."""
        connection = await self.connection()
        async with ended_if_lost(connection):
            yield connection

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _heard(self, _connection: Any, message: Any) -> None:
        self.warnings.append(f"{message.sqlstate} {message.message}")

    async def _patiently(self) -> Connection:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await connect(self._url, **self._settings)
            except LOST as fault:
                if time.monotonic() > until:
                    raise Unavailable("the database cannot be reached") from fault
                await asyncio.sleep(0.05)


def _settings(more: dict[str, str]) -> dict[str, str]:
    return {"application_name": "muniment", "role": "muniment_service", "timezone": "UTC", "jit": "off", **more}


async def _keep(_connection: Any) -> None:
    pass
