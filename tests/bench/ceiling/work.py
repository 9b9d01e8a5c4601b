"""The work by path. Both programs do this, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from tests.bench.ceiling import console, people, reads, registration, tokens
from tests.bench.ceiling.known import TOKEN, TOKEN_BY_KEY
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import Answer, Asked, Refused, form_of

Work = Callable[[Program, Asked], Awaitable[Answer]]
Grant = Callable[[Program, dict[str, str], UUID], Awaitable[Answer]]

GRANTS: Mapping[str, Grant] = {
    "client_credentials": tokens.of_client,
    "authorization_code": people.redeem,
    "refresh_token": people.exchange,
}


async def token(program: Program, asked: Asked) -> Answer:
    form = form_of(asked)
    grant = GRANTS.get(form["grant_type"])
    if grant is None:
        raise Refused(400)
    return await grant(program, form, program.authenticated(form))


POST: Mapping[str, Work] = {
    TOKEN: token,
    TOKEN_BY_KEY: tokens.by_key,
    "/api/v1/auth/clients": registration.register,
    "/openid/introspect": tokens.introspect,
}
GET: Mapping[str, Work] = {
    "/openid/authorize": people.authorize,
    "/openid/userinfo": people.userinfo,
    "/api/v1/auth/clients/{client_id}": reads.client,
    "/api/v1/audit/events": reads.events,
    "/console/clients": console.client_list,
}
"""The one with a parameter is found by what comes before it."""
