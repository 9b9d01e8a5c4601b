"""Long lists of evidence: the query of the page is that of the API, with pages both ways, and exports in its other formats."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from starlette.responses import Response

from service.console import moments
from service.console.api import Answer, Refused
from service.console.forms import FormState, refused
from service.console.moments import Mistyped
from service.console.screen import ConsoleVisit
from service.endpoints import formats
from service.pages import rendering as pages
from service.problems import Invalid

PAGE_SIZE, EXPORTED = "50", "1000"
EXPORTS: Mapping[str, str] = {"csv": formats.CSV, "ndjson": formats.NDJSON}
PLACE = ("since", "until", "order")


class Search(Struct, frozen=True, kw_only=True):
    """What was asked, and the answer; None: `form` says what is wrong. The addresses are "" if there is nothing there."""

    form: FormState
    answer: Answer | None = None
    older: str = ""
    newer: str = ""
    chosen: Mapping[str, str]

    @property
    def status(self) -> int:
        return 400 if self.answer is None else 200


async def searched(
    visit: ConsoleVisit, path: str, filters: Sequence[str], fixed: Mapping[str, str], own: Sequence[str] = ()
) -> Search:
    """Ask the API with the filters in the page's query. `fixed` ones are given by the page itself, and `own` ones are for it alone.

    Raises Refused.
    """
    asked = {name: visit.query[name] for name in (*filters, *PLACE) if name in visit.query and name not in fixed}
    chosen = {**asked, **{name: visit.query[name] for name in own if name in visit.query}}
    cursor = visit.query.get("cursor")
    try:
        answer = await visit.api.get(path, limit=PAGE_SIZE, cursor=cursor, **{**moments.sent(visit, asked), **fixed})
    except Mistyped as fault:
        return Search(form=FormState(values=chosen, errors=fault.errors), chosen=chosen)
    except Refused as fault:
        if fault.problem.status != 400:
            raise
        return Search(form=refused(chosen, fault), chosen=chosen)
    return Search(
        form=FormState(values=chosen),
        answer=answer,
        older=_page(visit, chosen, answer.following),
        newer=_page(visit, chosen, answer.previous),
        chosen=chosen,
    )


def export_asked(visit: ConsoleVisit) -> str | None:
    """Return the format of the export that the page's query asks for, or None."""
    name = visit.query.get("export")
    return name if name in EXPORTS else None


async def exported(
    visit: ConsoleVisit, path: str, filters: Sequence[str], fixed: Mapping[str, str], named: str
) -> Response:
    """Return the newest rows that match, as a file. Raises Refused and Invalid."""
    chosen = {name: visit.query[name] for name in (*filters, *PLACE) if name in visit.query}
    kind = export_asked(visit) or "csv"
    try:
        sent = {**moments.sent(visit, chosen), **fixed}
    except Mistyped as fault:
        raise Invalid(fault.detail, fault.errors) from fault
    answer = await visit.api.get(path, accept=EXPORTS[kind], limit=EXPORTED, **sent)
    return download(answer, f"{named}.{kind}")


def download(answer: Answer, name: str) -> Response:
    headers = {**pages.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(answer.body, headers=headers, media_type=answer.headers["content-type"])


def exports(visit: ConsoleVisit, chosen: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the name and the address of each export."""
    return [(kind.upper(), visit.here_with(**chosen, export=kind)) for kind in EXPORTS]


def _page(visit: ConsoleVisit, chosen: Mapping[str, str], query: Mapping[str, str] | None) -> str:
    return "" if query is None else visit.here_with(**chosen, cursor=query["cursor"])
