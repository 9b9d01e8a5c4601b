"""The role that the service logs in as, as deploy/roles.sql has it: the superuser's password is for this package and for migrations.

Its password is derived from the superuser's and gives nobody the way back, so a cluster keeps one secret, in one file.
"""

import hmac
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from events import locks
from service.crypto.base64url import as_text

ROLE = "muniment"
# One line, because `postgres --single` ends a statement there.
MAKE_ROLES = (
    "do $$ declare name text; begin foreach name in array array['muniment_service', 'muniment'] loop "
    "if not exists (select from pg_roles where rolname = name) then execute format('create role %I', name); end if; end loop; end $$"
)
GRANT = f"grant muniment_service to {ROLE}"


def statements(superuser_password: str) -> list[str]:
    """What gives a cluster the service's login. Harmless to repeat."""
    own = "inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
    return [MAKE_ROLES, f"alter role {ROLE} login {own} password '{_password(superuser_password)}'", GRANT]


def service_url(superuser_url: str) -> str:
    """The same server and database, for the service."""
    parts = urlsplit(superuser_url)
    assert parts.password is not None
    password = _password(unquote(parts.password))
    return urlunsplit(parts._replace(netloc=f"{ROLE}:{quote(password)}@"))


async def ensure(superuser_url: str) -> None:
    """Gives a cluster the service's login that has none, because an earlier version made it, or its roles were restored."""
    password = urlsplit(superuser_url).password
    assert password is not None
    # Loaded here, because making a cluster needs `statements` alone, and the driver takes as long to load as all the rest.
    from asyncpg import connect  # noqa: PLC0415

    connection = await connect(superuser_url)
    try:
        async with connection.transaction():
            await connection.execute(locks.in_transaction(locks.MIGRATION))  # one process at a time, as migrations do
            await connection.execute("set local log_statement = 'none'")
            for statement in statements(unquote(password)):
                await connection.execute(statement)
    finally:
        await connection.close()


def _password(superuser_password: str) -> str:
    return as_text(hmac.digest(superuser_password.encode(), b"muniment login of the service", "sha256"))
