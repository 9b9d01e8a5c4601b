"""/api/v1/auth/users/{user_id}/roles/{role}: what a user may do in the console."""

from starlette.responses import Response

from events.user import Role
from service.endpoints import if_match
from service.endpoints.call import Call
from service.endpoints.last_operator import refuse_to_leave_none
from service.endpoints.users import done, user_asked
from service.problems import NotFound
from service.use_cases import roles
from service.values.roles import ROLES, role_named


async def give_role(call: Call) -> Response:
    people, ledger, only_at = call.resources.people, call.resources.ledger, if_match.versions(call)
    user, role, by = user_asked(call), _role_asked(call), call.caller.holder
    return done(await roles.give(people, ledger, user, role, call.meta, by=by, only_at=only_at))


async def take_role(call: Call) -> Response:
    people, ledger, only_at = call.resources.people, call.resources.ledger, if_match.versions(call)
    user, role = user_asked(call), _role_asked(call)
    if role == "operator":
        await refuse_to_leave_none(call, user)
    return done(await roles.take(people, ledger, user, role, call.meta, only_at=only_at))


def _role_asked(call: Call) -> Role:
    role = role_named(call.request.path_params["role"])
    if role is None:
        raise NotFound(f"There is no role with this name; the roles are: {', '.join(ROLES)}.")
    return role
