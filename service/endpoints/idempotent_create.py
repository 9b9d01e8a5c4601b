"""Respond to a POST that creates something: 201, Location and position. The same Idempotency-Key gets the first response again."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from msgspec import Struct, json
from starlette.responses import Response
from starlette.types import Scope

from events.database import read
from events.log import Receipt
from events.receipts import forget_old_commands
from service.commands.handle import CarriedOutBefore, Handled
from service.endpoints.call import Call
from service.endpoints.responses import POSITION, Plain
from service.http.asgi import header
from service.http.last_head import once_a_head
from service.http.origin import below
from service.idempotency import StoredAnswer
from service.problems import Clash

JSON = "application/json"


async def create(
    call: Call,
    answer: Struct,
    location: str,
    carry_out: Callable[[Receipt | None], Awaitable[Handled]],
    is_there: Callable[[str], Awaitable[bool]],
) -> Response:
    """Carry out the command, and keep the response for retries. `is_there` says whether an id still exists.

    Raises Clash if the key was used for another request, or if what it created was deleted.
    """
    key = once_a_head(call.request.scope, _idempotency_key)
    location = below(call.resources.settings.issuer) + location
    first = StoredAnswer(status=201, location=location, body=json.encode(answer))
    if key is None:
        handled = await carry_out(None)
    else:
        path, idempotency = call.request.scope["path"], call.resources.idempotency
        asked = idempotency.asked(key, caller=call.caller.sub, path=path, body=call.body, reason=call.reason)
        if earlier := await idempotency.first_answer(asked):
            return await _again(*earlier, is_there)
        try:
            handled = await carry_out(asked.receipt(first))
        except CarriedOutBefore:
            if earlier := await idempotency.first_answer(asked):
                return await _again(*earlier, is_there)
            # The 24 hours of the earlier command are over, but it was not deleted yet.
            await read(call.resources.ledger.pool, forget_old_commands)
            handled = await carry_out(asked.receipt(first))
    headers = {"Location": location, POSITION: str(handled.position)}
    return Plain(first.body, first.status, headers, JSON)


def _idempotency_key(scope: Scope) -> str | None:
    return header(scope, b"idempotency-key")


async def _again(earlier: StoredAnswer, position: int, is_there: Callable[[str], Awaitable[bool]]) -> Response:
    """The secret of a deleted client and the name of an erased user are not returned again. Raises Clash."""
    if not await is_there(unquote(earlier.location.rpartition("/")[2])):
        raise Clash("What this request created has been deleted since; use a new Idempotency-Key to create another.")
    headers = {"Location": earlier.location, POSITION: str(position), "Idempotent-Replayed": "true"}
    return Plain(earlier.body, earlier.status, headers, JSON)
