"""What a ceiling program holds: its clients, its key, and the statements that its requests share."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.util import urlsafe_b64encode
from msgspec import json

from tests.bench import proved
from tests.bench.ceiling.groups import Group, Pages
from tests.bench.ceiling.known import BY_ES256, CLIENTS, KID, SCOPE, credentials
from tests.bench.ceiling.requests import Refused
from tests.bench.ceiling.seed import seed

SETTINGS = {"plan_cache_mode": "force_generic_plan"}


class Program:
    def __init__(self, groups: Mapping[str, Group], pages: Mapping[str, Pages]) -> None:
        self.issue, self.register = groups["ISSUE"], groups["REGISTER"]
        self.revoked, self.use = groups["REVOKED"], groups["USE"]
        self.authorize, self.redeem, self.refresh = groups["AUTHORIZE"], groups["REDEEM"], groups["REFRESH"]
        self.userinfo, self.as_of = groups["USERINFO"], groups["AS_OF"]
        self.events, self.client_list = pages["EVENTS"], pages["CLIENTS"]
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key()
        self.id_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.by_es256 = credentials(BY_ES256)[0]
        self.header, self.id_header, self.es256_id_header = (
            urlsafe_b64encode(json.encode({"alg": alg, "kid": KID, "typ": typ}))
            for alg, typ in (("ES256", "at+jwt"), ("RS256", "JWT"), ("ES256", "JWT"))
        )
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


GROUPS = ("ISSUE", "REGISTER", "REVOKED", "USE", "AUTHORIZE", "REDEEM", "REFRESH", "USERINFO", "AS_OF")
PAGES = ("EVENTS", "CLIENTS")
AT_ONCE = 4


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Program]:
    """A connection for each statement, so that none waits for another, and some for each page."""
    async with AsyncExitStack() as stack:

        async def connect() -> Any:
            connection: Any = await asyncpg.connect(url, server_settings=SETTINGS)
            stack.push_async_callback(connection.close)
            return connection

        await seed(await connect())
        groups = {name: Group(await connect(), name) for name in GROUPS}
        yield Program(groups, {name: Pages([await connect() for _ in range(AT_ONCE)], name) for name in PAGES})
