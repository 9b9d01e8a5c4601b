"""/console/trusted-issuers/{issuer_id}: what is accepted of the issuer, and the end of that, for a while or for ever."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import histories, issuer_subject
from service.console.forms import FormState, untouched
from service.console.issuer_subject import PATH, Subject
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Screen, Tab
from service.console.submission import Change, carried_out, submitted
from service.values.scopes import AUDIT_READ, OPERATE

CHANGES: Mapping[str, Change] = {
    "disable": Change("POST", ("disable",), N_("Nothing of the issuer is accepted until it is enabled.")),
    "enable": Change("POST", ("enable",), N_("The tokens of the issuer are accepted again.")),
}


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, await issuer_subject.read(visit), untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    subject = await issuer_subject.read(visit)

    async def again(form: FormState, status: int) -> Response:
        return await _page(visit, subject, form, status)

    if visit.form.get("do") == "delete":
        return await submitted(visit, OPERATE, lambda: _delete(visit), again)
    return await carried_out(visit, CHANGES, issuer_subject.path, OPERATE, again)


async def _delete(visit: ConsoleVisit) -> Response:
    await visit.api.send("DELETE", issuer_subject.path(visit), reason=visit.reason)
    return visit.to(visit.at("trusted-issuers"), visit.gettext("The issuer is no longer trusted."))


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    return issuer_subject.page(
        visit,
        subject,
        "trusted_issuer.html",
        status=status,
        form=form,
        purposes=issuer_subject.PURPOSES,
        last=await histories.last_changes(visit, issuer_subject.path(visit)),
        writes=visit.may(OPERATE),
    )


SCREENS = (
    Screen(
        path=PATH,
        get=show,
        post=act,
        sensitive=does("enable", "delete"),
        needs=AUDIT_READ,
        tab=Tab(of=PATH, order=0, label=N_("Settings")),
    ),
)
