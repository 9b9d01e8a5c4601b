"""Pages about a client that may be deleted: its past stays when it is gone, and so do they."""

from typing import Any

from starlette.responses import Response

from service.console import client, histories
from service.console.api import Refused
from service.console.screen import ConsoleVisit, Crumb


async def page(visit: ConsoleVisit, template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a page whose template extends `layout`. Raises Refused, with status 404 for a client that never was."""
    try:
        subject = await client.read(visit)
    except Refused as fault:
        if fault.problem.status != 404:
            raise
        return await _of_deleted(visit, template, status, context)
    return client.page(visit, subject, template, status=status, layout="client_base.html", **context)


async def _of_deleted(visit: ConsoleVisit, template: str, status: int, context: dict[str, Any]) -> Response:
    last = await histories.newest(visit, client.path(visit), 1)
    return visit.page(
        template,
        title=client.name_before(last) or visit.param("client_id"),
        crumbs=[Crumb(visit.gettext("Clients"), "/clients")],
        status=status,
        client=None,
        client_id=visit.param("client_id"),
        layout="console.html",
        **context,
    )
