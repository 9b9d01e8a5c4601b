"""/console/clients/{client_id}/history: every change of a client, the client at any moment, and the difference between two."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from service.console import changes, client, comparison, histories, past_client, times
from service.console.api import Refused
from service.console.comparison import Then
from service.console.forms import FormState
from service.console.language import N_
from service.console.moments import Mistyped
from service.console.places import page_about
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.endpoints.moments import as_text
from service.values.scopes import CLIENTS_READ
from service.values.typed_moments import NOW

PAGE_SIZE = 100
MOMENTS = ("at", "since")
LONGEST_MOMENT = 60


async def show(visit: ConsoleVisit) -> Response:
    """The moments are in the address, so a link to a difference can be sent to somebody else."""
    cursor = visit.query.get("cursor")
    answer = await histories.page_of(visit, client.path(visit), most=PAGE_SIZE, cursor=cursor)
    found = answer.of(list[HistoryEntry])
    asked = _asked(visit, found)
    then, faults = await _compared(visit, asked)
    complete = len(then) == len(MOMENTS)
    return await past_client.page(
        visit,
        "client_history.html",
        status=400 if faults else 200,
        form=FormState(values={name: asked[name] for name in MOMENTS if name in visit.query}, errors=faults),
        rows=[
            (each, said, page_about(visit, "change", str(each.cause)))
            for each, said in zip(found, await changes.entries(visit, found), strict=True)
        ],
        then=then.get("at"),
        before=then.get("since"),
        times={None: "", **_times(visit, found, then)},
        differences=comparison.between(then["since"], then["at"], visit.browser.language) if complete else [],
        older=_neighbour(visit, asked, answer.following),
        newer=_neighbour(visit, asked, answer.previous),
        cursor=cursor or "",
    )


def _times(visit: ConsoleVisit, found: Sequence[HistoryEntry], then: Mapping[str, Then]) -> Mapping[int, str]:
    """Return the time of the last change up to each of the moments; "" if that is not on this page."""
    known: dict[int, str] = {}
    for position in (each.position for each in then.values() if each.position is not None):
        last = next((each for each in found if each.position <= position), None)
        known[position] = "" if last is None else times.text(last.recorded_at, visit.browser.language)
    return known


def _asked(visit: ConsoleVisit, found: Sequence[HistoryEntry]) -> Mapping[str, str]:
    """Return the two moments. Those that nobody names are now, and before the newest change of the page."""
    newest = found[0].position if found else 0
    usual = {"at": NOW, "since": as_text(max(newest - 1, 0))}
    return {name: visit.query.get(name, usual[name])[:LONGEST_MOMENT] for name in MOMENTS}


async def _compared(
    visit: ConsoleVisit, asked: Mapping[str, str]
) -> tuple[Mapping[str, Then], Mapping[str, Sequence[str]]]:
    """Return the client at each of the moments, and the faults of those that are none."""
    then: dict[str, Then] = {}
    faults: dict[str, Sequence[str]] = {}
    for name in MOMENTS:
        try:
            then[name] = await comparison.at(visit, name, asked[name])
        except Mistyped as fault:
            faults |= fault.errors
        except Refused as fault:
            if fault.problem.status != 400:
                raise
            faults |= comparison.faults_of(fault, name)
    return then, faults


def _neighbour(visit: ConsoleVisit, asked: Mapping[str, str], query: Mapping[str, str] | None) -> str:
    if query is None:
        return ""
    kept = {name: asked[name] for name in MOMENTS if name in visit.query}
    return visit.here_with(**kept, cursor=query["cursor"])


SCREENS = (
    Screen(
        path=f"{client.PATH}/history",
        get=show,
        needs=CLIENTS_READ,
        tab=Tab(of=client.PATH, order=20, label=N_("History")),
    ),
)
