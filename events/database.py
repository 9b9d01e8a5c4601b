"""Connections to Postgres, as the role muniment_service, which has only the rights that the service needs."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from events import array_types
from events.database_url import parsed
from events.waiting import raise_if_cancelled

if TYPE_CHECKING:  # These classes are generic only in their type stubs.
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
    asyncpg.ReadOnlySQLTransactionError,  # The server is a standby now, so we must look for the primary again.
)
"""The errors when the server or the network is temporarily unavailable."""

UNFIT = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
"""The errors when a table is missing or belongs to another role: an operator has to repair that."""

PATIENCE_SECONDS = 5.0
"""How long a request waits for a Postgres that restarts or fails over, before the client is told to retry."""

ANSWER_SECONDS = 15.0
"""How long we wait for one answer before the connection counts as lost: its host may have disappeared without closing it."""

POOL_SIZE = 4
"""The most connections of a pool, unless it has another size."""

READ_SECONDS = 60.0
"""How long a statement of the pool may run. Nobody waits for it any more after ANSWER_SECONDS, but the server would finish it."""

PLANNED_ONCE = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""The settings of a session whose few statements find rows by an index: it makes each plan once, and no plan that suits only a small table."""

WRITER = {**PLANNED_ONCE, "lock_timeout": "2s", "idle_in_transaction_session_timeout": "2s"}
"""The settings of a session that appends. It has no statement timeout."""


ROLE = "muniment_service"
BECOME = """
with made as materialized (select set_config(name, value, false) from unnest($1::text[], $2::text[]) as wanted (name, value))
select current_user from (select count(*) from made) as done
"""


errors: Counter[str] = Counter()
"""How many errors this process got from Postgres, by class: the first two characters of their SQLSTATE. 08 includes lost connections."""

overloads: Counter[str] = Counter()
"""How often this process refused work because too much was waiting, by what it waited for."""

MOST_READS = 512
"""How many reads of the pools may wait or run in this process. Four at a time take less than a second for so many usual ones."""

_under_way: Counter[str] = Counter()


class Unavailable(Exception):
    """The database cannot be reached, or cannot confirm durability, at the moment. Nothing was acknowledged; try again later."""


class NotReached(Unavailable):
    """The log, or a projection, has not reached a position that is needed. The database itself is well."""


class Overloaded(Unavailable):
    """Too much waits for this already. Nothing was done; the database itself is well."""

    def __init__(self, what: str) -> None:
        """`what` waits: commits, reads, passwords or imported_secrets."""
        super().__init__(f"too many {what.replace('_', ' ')} are waiting")
        overloads[what] += 1


class LoginRefused(Unavailable):
    """The server answers, but refuses this login."""


def reason(fault: BaseException) -> str:
    """Returns the first line of the error. The lines after it can contain values of rows."""
    if isinstance(fault, asyncpg.TargetServerAttributeNotMatched | asyncpg.ReadOnlySQLTransactionError):
        return "it is a standby, or read-only"
    if isinstance(fault, TimeoutError) and not str(fault):
        return "it does not answer in time"
    return str(fault).partition("\n")[0] or type(fault).__name__


def _count(fault: Exception) -> None:
    errors[fault.sqlstate[:2] if isinstance(fault, asyncpg.PostgresError) and fault.sqlstate else "08"] += 1


def unavailable(what: str, fault: BaseException) -> Unavailable:
    return Unavailable(f"{what}: {reason(fault)}")


async def log_in(url: str, **driver: Any) -> Connection:
    """Returns a connection as the user of the URL, to the first of its hosts that can be used.

    Raises an error of LOST if no server can be reached, LoginRefused if it refuses the login, and Unavailable if its encoding is not UTF8.
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
            _count(fault)
            faults.append((host.name, fault))
        except asyncpg.PostgresError as fault:
            _count(fault)
            raise LoginRefused(f"the database refuses the login: {reason(fault)}") from fault
        else:
            array_types.register(connection)
            return _of_utf8(connection)
    if len(faults) == 1:
        raise faults[0][1]
    raise OSError("; ".join(f"{name}: {reason(fault)}" for name, fault in faults)) from faults[-1][1]


async def connect(url: str, **settings: str) -> Connection:
    """Returns a connection as muniment_service. Raises what log_in raises, and Unavailable if the login cannot have that role."""
    return await _as_service(await log_in(url), settings)


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncGenerator[Connection]:
    """Yields a connection as muniment_service and closes it afterwards. Raises what connect raises."""
    connection = await connect(url, **settings)
    try:
        yield connection
    finally:
        with suppress(*LOST):  # A lost connection cannot be closed.
            await connection.close()


@asynccontextmanager
async def pool(url: str, size: int = POOL_SIZE, **settings: str) -> AsyncGenerator[Pool]:
    """Yields connections for reads. They hold no session state, so a release resets nothing; a reset would double the round trips."""

    async def connected(_url: str, **driver: Any) -> Connection:
        bound = {"statement_timeout": f"{int(READ_SECONDS * 1000)}ms", **settings}
        return await _as_service(await log_in(url, **driver), bound)

    async with asyncpg.create_pool(url, min_size=0, max_size=size, reset=_keep, connect=connected) as made:  # pyright: ignore[reportArgumentType]
        yield made


Answer = TypeVar("Answer")


class Connections(Protocol):
    """What lends a connection for a read: a pool, or a Reader."""

    def acquire(self, *, timeout: float) -> AbstractAsyncContextManager[AnyConnection]: ...


class Use:
    """A use of a connection, which is terminated if it was lost meanwhile, even if it calls itself open.

    It is a class because each round trip is one: contextlib's generators would cost half as much as asking the database.
    """

    __slots__ = ("_connection", "_silence")

    def __init__(self, connection: AnyConnection) -> None:
        self._connection = connection

    async def __aenter__(self) -> None:
        # We terminate the connection instead of cancelling: a rollback would wait for the same silent connection.
        self._silence = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._connection.terminate)

    async def __aexit__(self, kind: object, fault: BaseException | None, traceback: object) -> None:
        self._silence.cancel()
        if isinstance(fault, LOST):
            # asyncpg also raises an InterfaceError for a wrong argument.
            if not isinstance(fault, ValueError):
                _count(fault)
                self._connection.terminate()
        elif isinstance(fault, UNFIT):
            _count(fault)
            raise unavailable("the database cannot be used", fault) from fault
        elif isinstance(fault, asyncpg.PostgresError):
            _count(fault)


async def read(pool: Connections, ask: Callable[[AnyConnection], Awaitable[Answer]]) -> Answer:
    """Calls `ask` with a connection of the pool, and retries while the server is away. Raises Unavailable after PATIENCE_SECONDS, and
    Overloaded if MOST_READS are under way.
    """
    if _under_way["reads"] >= MOST_READS:
        raise Overloaded("reads")
    _under_way["reads"] += 1
    try:
        return await _read(pool, ask)
    finally:
        _under_way["reads"] -= 1


async def _read(pool: Connections, ask: Callable[[AnyConnection], Awaitable[Answer]]) -> Answer:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            async with pool.acquire(timeout=PATIENCE_SECONDS) as connection, Use(connection):
                return await ask(connection)
        except (*LOST, TimeoutError) as fault:
            if isinstance(fault, ValueError):
                raise
            raise_if_cancelled()
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
    """Sets role and settings by SQL, because a pooler forwards only a few settings of the connection start."""
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
