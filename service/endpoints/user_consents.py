"""/api/v1/auth/users/{user_id}/consents/{client_id}: what a user allowed a client, withdrawn in the user's stead."""

from starlette.responses import Response

from events.ids import client_stream
from service.endpoints import users
from service.endpoints.management import Call
from service.problems import NotFound
from service.use_cases import consents


async def withdraw_consents(call: Call) -> Response:
    """Withdrawing what was never given changes nothing."""
    user, client_id = await users.known_user(call), call.request.path_params["client_id"]
    if client_stream(client_id) is None:
        raise NotFound("There is no client with this id.")
    meta = await call.resources.people.private(user, call.meta)
    await consents.withdraw(call.resources.ledger, user, client_id, meta)
    return Response(status_code=204)
