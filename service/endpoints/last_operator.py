"""The last operator stays one: the management API and the console, which asks it, let nobody lock everybody out by mistake."""

from uuid import UUID

from events.database import read
from projections import users
from service.endpoints.management import Call
from service.refusals import Contradiction

LAST = "You are the last operator, and nobody here could make you one again. Make somebody else an operator first."


async def refuse_to_leave_none(call: Call, user: UUID) -> None:
    """Raises Contradiction if the caller is this user and the only active operator. (Who else may stop an operator has that power too.)

    Two operators who stop themselves at the same moment both succeed: the command line makes an operator again.
    """
    if not call.caller.is_user or call.caller.sub != str(user):
        return
    row = await call.resources.people.row(user)
    if row is None or "operator" not in row.all_roles:
        return
    if not await read(call.resources.ledger.pool, lambda connection: users.has_operator_besides(connection, user)):
        raise Contradiction(LAST)
