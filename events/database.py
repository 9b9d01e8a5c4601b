"""Connections to Postgres: always as the one role that may do no more than the service needs."""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from events.database_url import parsed

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

UNFIT = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
"""What it looks like when a table belongs to somebody else, or is not there: nothing works until an operator has mended it."""

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


ROLE = "muniment_service"
BECOME = """
with made as materialized (select set_config(name, value, false) from unnest($1::text[], $2::text[]) as wanted (name, value))
select current_user from (select count(*) from made) as done
"""


class Unavailable(Exception):
    """The database cannot be reached, or cannot promise durability, right now. Nothing was acknowledged; come again."""


class NotReached(Unavailable):
    """A caller asks for a position that the log does not have, or not yet; nothing is wrong with the database."""


class LoginRefused(Unavailable):
    """The server answers, and lets this login in no more, or not yet."""


def reason(fault: BaseException) -> str:
    """What the server, or the way to it, said: the first line alone, for a detail may show a row's values."""
    if isinstance(fault, asyncpg.TargetServerAttributeNotMatched | asyncpg.ReadOnlySQLTransactionError):
        return "it is a standby, or read-only"
    if isinstance(fault, TimeoutError) and not str(fault):
        return "it does not answer in time"
    return str(fault).partition("\n")[0] or type(fault).__name__


def unavailable(what: str, fault: BaseException) -> Unavailable:
    return Unavailable(f"{what}: {reason(fault)}")


async def log_in(url: str, **driver: Any) -> Connection:
    """A connection as whoever the URL names, to the first of its hosts that can be used.

    Raises what LOST lists when the server is away, LoginRefused when it refuses the login, and Unavailable when it cannot hold the log.
    """
    database = parsed(url)
    limit = min(database.timeout or PATIENCE_SECONDS, PATIENCE_SECONDS / len(database.hosts))
    secure = {"ssl": ssl.create_default_context()} if database.trusts_system else {}
    faults: list[tuple[str, Exception]] = []
    for host in database.hosts:
        try:
            connection = await asyncpg.connect(host.url, timeout=limit, **secure, **driver)
        except LOST as fault:
            if isinstance(fault, ValueError):
                raise
            faults.append((host.name, fault))
        except asyncpg.PostgresError as fault:
            raise LoginRefused(f"the database refuses the login: {reason(fault)}") from fault
        else:
            return _of_utf8(connection)
    if len(faults) == 1:
        raise faults[0][1]
    raise OSError("; ".join(f"{name}: {reason(fault)}" for name, fault in faults)) from faults[-1][1]


async def connect(url: str, **settings: str) -> Connection:
    """A connection as muniment_service. Raises what log_in raises, and Unavailable when it cannot be that role."""
    return await _as_service(await log_in(url), settings)


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Connection]:
    """A connection as muniment_service for as long as it is used. Raises what connect raises."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        with suppress(*LOST):  # of a connection that was lost meanwhile there is nothing left to close
            await connection.close()


@asynccontextmanager
async def pool(url: str, *, size: int = 4) -> AsyncGenerator[Pool]:
    """Connections for reads. They hold no session state, so none is reset on release (that would double the round trips)."""

    async def connected(_url: str, **driver: Any) -> Connection:
        return await _as_service(await log_in(url, **driver), {})

    async with asyncpg.create_pool(url, min_size=0, max_size=size, reset=_keep, connect=connected) as made:  # pyright: ignore[reportArgumentType]
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
    except UNFIT as fault:
        raise unavailable("the database cannot be used", fault) from fault
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
                raise unavailable("the database cannot be reached", fault) from fault
            await asyncio.sleep(0.05)


class DatabaseSession:
    """One connection of its own for one use, made when it is first needed and again after it was lost."""

    def __init__(self, url: str, **settings: str) -> None:
        self._url = url
        self._settings = settings
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._closed = 0
        self.warnings: list[str] = []

    async def connection(self) -> Connection:
        """The live connection. Waits up to PATIENCE_SECONDS for a server that is restarting, then raises Unavailable."""
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                closed = self._closed
                made = await self._patiently()
                if closed != self._closed:
                    made.terminate()
                    raise Unavailable("the session was closed while it connected")
                made.add_log_listener(self._heard)
                self._connection = made
            return self._connection

    @asynccontextmanager
    async def using(self) -> AsyncGenerator[Connection]:
        """The live connection, for one caller at a time; it is given up when it fails under the caller."""
        connection = await self.connection()
        async with ended_if_lost(connection):
            yield connection

    async def close(self) -> None:
        """A connection that is being made is ended once it is made; whoever asks after this gets a new one."""
        self._closed += 1
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
                    raise unavailable("the database cannot be reached", fault) from fault
                await asyncio.sleep(0.05)


def _of_utf8(connection: Connection) -> Connection:
    encoding = connection.get_settings().server_encoding
    if encoding != "UTF8":
        connection.terminate()
        raise Unavailable(f"the database has the encoding {encoding}, and Muniment needs one that has UTF8")
    return connection


async def _as_service(connection: Connection, settings: dict[str, str]) -> Connection:
    """By SQL, for a pooler in front of Postgres passes on no other settings of a start than its own few."""
    wanted = {"role": ROLE, "timezone": "UTC", "jit": "off", **settings}
    try:
        role = await connection.fetchval(BECOME, list(wanted), list(wanted.values()), timeout=PATIENCE_SECONDS)
    except BaseException as fault:
        connection.terminate()
        if isinstance(fault, asyncpg.PostgresError) and not isinstance(fault, LOST):
            raise unavailable(f"the login cannot work as {ROLE}", fault) from fault
        raise
    if role != ROLE:
        connection.terminate()
        raise Unavailable(
            f"a connection works as {role}, not as {ROLE}: is there a pooler that is not in session mode?"
        )
    return connection


async def _keep(_connection: Any) -> None:
    pass
