"""/console/trusted-issuers: other servers whose signed tokens are accepted, and for what."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import paging
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.console.submission import Change, submitted
from service.endpoints.trusted_issuer_schemas import TrustedIssuer
from service.endpoints.trusted_issuers import PATH
from service.problems import NotFound
from service.values.scopes import AUDIT_READ, OPERATE
from service.values.uuids import is_uuid

PAGE_SIZE = "50"


CHANGES: Mapping[str, Change] = {
    "disable": Change("POST", ("disable",), N_("Nothing of the issuer is accepted until it is enabled.")),
    "enable": Change("POST", ("enable",), N_("The tokens of the issuer are accepted again.")),
    "delete": Change("DELETE", (), N_("The issuer is no longer trusted.")),
}


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    do, _, issuer = visit.form.get("do", "").partition("-")
    change = CHANGES.get(do)
    if change is None or not is_uuid(issuer):
        raise NotFound("There is no such form on this page.")

    async def send() -> Response:
        await visit.api.send(change.method, "/".join((PATH, issuer, *change.path)), reason=visit.reason)
        return visit.to(visit.here, visit.gettext(change.done))

    return await submitted(visit, OPERATE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    found = await visit.api.get(PATH, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "trusted_issuers.html",
        title=visit.gettext("Trusted issuers"),
        status=status,
        form=form,
        writes=visit.may(OPERATE),
        issuers=found.of(list[TrustedIssuer]),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/trusted-issuers",
        get=show,
        post=act,
        needs=AUDIT_READ,
        link=Link(group="operation", order=30, label=N_("Trusted issuers"), icon="keys"),
    ),
)
