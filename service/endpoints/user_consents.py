"""/api/v1/auth/users/{user_id}/consents/{client_id}: what a user allowed a client, withdrawn in the user's stead."""

from starlette.responses import Response

from events.ids import stream_in_path
from service.endpoints import users
from service.endpoints.call import Call
from service.problems import NotFound
from service.use_cases import consents


async def withdraw_consents(call: Call) -> Response:
    """Withdrawing what was never given changes nothing."""
    user, client_id = await users.known_user(call), call.request.path_params["client_id"]
    stream = stream_in_path(client_id)
    if stream is None:
        raise NotFound("There is no client with this id.")
    seen = await call.resources.lookup.client(stream)
    client_id = client_id if seen is None else seen.client.client_id
    meta = await call.resources.people.private(user, call.meta)
    await consents.withdraw(call.resources.ledger, user, client_id, meta)
    return Response(status_code=204)
