"""/console/trusted-issuers: other servers whose signed tokens are accepted, and for what."""

from starlette.responses import Response

from service.console import paging
from service.console.issuer_subject import TITLE
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.trusted_issuer_schemas import TrustedIssuer
from service.endpoints.trusted_issuers import PATH
from service.values.scopes import AUDIT_READ, OPERATE

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    found = await visit.api.get(PATH, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "trusted_issuers.html",
        title=visit.gettext(TITLE),
        creates=visit.may(OPERATE),
        issuers=found.of(list[TrustedIssuer]),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/trusted-issuers",
        get=show,
        needs=AUDIT_READ,
        link=Link(group="operation", order=30, label=TITLE, icon="keys"),
    ),
)
