"""A form that changes something: the reason that it needs, the request that it makes, and the page that shows it again if that fails."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct
from starlette.responses import Response

from service.console.api import Refused
from service.console.forms import FormState, refused, without_reason
from service.console.screen import ConsoleVisit
from service.problems import NotFound

Shown = Callable[[FormState, int], Awaitable[Response]]
"""Shows the page of the form again, with what is wrong with it and with this status."""


class Change(Struct, frozen=True):
    """A request below the path of what the page is about, and what the page says when it is done."""

    method: str
    path: tuple[str, ...]
    done: str


async def submitted(visit: ConsoleVisit, needs: str, send: Callable[[], Awaitable[Response]], again: Shown) -> Response:
    """Make the change, unless the form has no reason. Raises Refused for a person without the scope that it needs."""
    if visit.reason is None:
        return await again(without_reason(visit), 400)
    try:
        return await send()
    except Refused as fault:
        if not visit.may(needs):
            raise
        return await again(refused(visit.form, fault), fault.problem.status)


async def carried_out(
    visit: ConsoleVisit, changes: Mapping[str, Change], path: Callable[..., str], needs: str, again: Shown
) -> Response:
    """Make the change that the form names in its `do`. `path` gives the paths below what the page is about."""
    change = changes.get(visit.form.get("do", ""))
    if change is None:
        raise NotFound("There is no such form on this page.")

    async def send() -> Response:
        await visit.api.send(change.method, path(visit, *change.path), reason=visit.reason)
        return visit.to(visit.here, visit.gettext(change.done))

    return await submitted(visit, needs, send, again)
