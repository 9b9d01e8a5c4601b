"""/console/trusted-issuers/{issuer_id}/history: every change of what is accepted of the issuer, who made it and why."""

from starlette.responses import Response

from service.console import histories, issuer_subject
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.values.scopes import AUDIT_READ


async def show(visit: ConsoleVisit) -> Response:
    subject = await issuer_subject.read(visit)
    history = await histories.whole(visit, issuer_subject.path(visit))
    return issuer_subject.page(visit, subject, "history.html", layout="issuer_base.html", **history)


SCREENS = (
    Screen(
        path=f"{issuer_subject.PATH}/history",
        get=show,
        needs=AUDIT_READ,
        tab=Tab(of=issuer_subject.PATH, order=10, label=N_("History")),
    ),
)
