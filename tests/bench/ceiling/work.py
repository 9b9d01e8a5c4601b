"""The work by path. Both programs do this, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping

from tests.bench.ceiling import registration, tokens
from tests.bench.ceiling.known import TOKEN, TOKEN_BY_KEY
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import Answer, Asked

Work = Callable[[Program, Asked], Awaitable[Answer]]

POST: Mapping[str, Work] = {
    TOKEN: tokens.by_secret,
    TOKEN_BY_KEY: tokens.by_key,
    "/api/v1/auth/clients": registration.register,
    "/openid/introspect": tokens.introspect,
}
GET: Mapping[str, Work] = {}
