"""What a ceiling program holds: its clients, its key, and the statements that its requests share."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.util import urlsafe_b64encode
from msgspec import json

from tests.bench import proved
from tests.bench.ceiling.groups import STATEMENTS, Group
from tests.bench.ceiling.known import CLIENTS, SCOPE, credentials
from tests.bench.ceiling.requests import Refused

SETTINGS = {"plan_cache_mode": "force_generic_plan"}


class Program:
    def __init__(self, groups: dict[str, Group]) -> None:
        self.issue, self.register = groups["ISSUE"], groups["REGISTER"]
        self.revoked, self.use = groups["REVOKED"], groups["USE"]
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key()
        self.header = urlsafe_b64encode(json.encode({"alg": "ES256", "kid": "ceiling", "typ": "at+jwt"}))
        known = [credentials(number) for number in range(CLIENTS)]
        self.clients = {name: (UUID(name[13:]), sha256(secret.encode()).digest()) for name, secret in known}
        self.by_key = {name: proved.key_of(number).public_key() for number, (name, _) in enumerate(known)}
        self.scopes = frozenset({SCOPE})
        self.good: dict[str, Any] = {}
        """The claims of tokens whose signatures were verified."""

    def authenticated(self, form: dict[str, str]) -> UUID:
        """The client whose secret was sent. Raises Refused."""
        client, digest = self.clients[form["client_id"]]
        if not compare_digest(sha256(form["client_secret"].encode()).digest(), digest):
            raise Refused(401)
        return client


GROUPS = ("ISSUE", "REGISTER", "REVOKED", "USE")


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Program]:
    """A connection for each statement, so that none waits for another."""
    async with AsyncExitStack() as stack:
        groups: dict[str, Group] = {}
        for name in GROUPS:
            connection: Any = await asyncpg.connect(url, server_settings=SETTINGS)
            stack.push_async_callback(connection.close)
            if not groups:
                await connection.execute(STATEMENTS["SCHEMA"])
            groups[name] = Group(connection, name)
        yield Program(groups)
