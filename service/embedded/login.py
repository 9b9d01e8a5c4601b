"""The login of the service, as in deploy/roles.sql. Only this package and migrations use the superuser's password.

The login's password is derived from the superuser's, but not the other way round. So a cluster keeps one secret, in one file.
"""

import hmac
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from events import locks
from service.crypto.base64url import as_text

ROLE = "muniment"
# It is one line, because `postgres --single` ends a statement at the end of a line.
MAKE_ROLES = (
    "do $$ declare name text; begin foreach name in array array['muniment_service', 'muniment'] loop "
    "if not exists (select from pg_roles where rolname = name) then execute format('create role %I', name); end if; end loop; end $$"
)
GRANT = f"grant muniment_service to {ROLE}"


def statements(superuser_password: str) -> list[str]:
    """Returns the statements that make the service's login. They can be repeated."""
    own = "inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
    return [MAKE_ROLES, f"alter role {ROLE} login {own} password '{_password(superuser_password)}'", GRANT]


def service_url(superuser_url: str) -> str:
    """Returns the URL of the same server and database with the service's login."""
    parts = urlsplit(superuser_url)
    assert parts.password is not None
    password = _password(unquote(parts.password))
    return urlunsplit(parts._replace(netloc=f"{ROLE}:{quote(password)}@"))


async def ensure(superuser_url: str) -> None:
    """Makes the service's login if it is missing, because an earlier version made the cluster or its roles were restored."""
    password = urlsplit(superuser_url).password
    assert password is not None
    # Imported here, because making a cluster needs only `statements`, and the driver takes half of the import time.
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
