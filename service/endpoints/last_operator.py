"""The last operator stays one: the management API and the console, which asks it, let nobody lock everybody out by mistake."""

from uuid import UUID

from service.endpoints.call import Call
from service.people.last_operator import LAST, leaves_none
from service.refusals import Contradiction


async def refuse_to_leave_none(call: Call, user: UUID) -> None:
    """Raises Contradiction if the caller is this user and the only active operator. (Who else may stop an operator has that power too.)

    Two operators who stop themselves at the same moment both succeed: the command line makes an operator again.
    """
    if not call.caller.is_user or call.caller.sub != str(user):
        return
    row = await call.resources.people.row(user)
    if row is None or "operator" not in row.all_roles:
        return
    if await leaves_none(call.resources.ledger.pool, call.resources.settings.upstream, [user]):
        raise Contradiction(LAST)
