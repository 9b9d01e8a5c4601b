"""/console: what changed today, what was refused, and how far the log is."""

from msgspec import Struct
from starlette.responses import Response

from service.audit.event_json import AuditEvent
from service.clock import utc_now
from service.console import bars, events
from service.console.api import CLIENTS, EVENTS, Refused
from service.console.bars import Bars
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.client_schemas import ListedClient
from service.endpoints.projections import PATH as PROJECTIONS
from service.endpoints.projections import Projection
from service.endpoints.responses import POSITION
from service.endpoints.usage import PATH as USAGE
from service.endpoints.usage import IssuedTokens
from service.values.scopes import AUDIT_READ

CHANGES = "client,bot,user,signing_key,revocation,retention"
REFUSALS = "refusal"
MOST = 15
COUNTED = "100"


async def show(visit: ConsoleVisit) -> Response:
    return await _of_everything(visit) if visit.may(AUDIT_READ) else await _of_own(visit)


async def _of_everything(visit: ConsoleVisit) -> Response:
    today = f"{utc_now():%Y-%m-%d}"
    changed = await visit.api.get(EVENTS, type=CHANGES, since=today, limit=COUNTED)
    refused = await visit.api.get(EVENTS, type=REFUSALS, since=today, limit=COUNTED)
    latest, denied = changed.of(list[AuditEvent]), refused.of(list[AuditEvent])
    rows = await events.with_subjects(visit, [*latest[:MOST], *denied[:MOST]])  # in one, so that each name is read once
    shown = len(latest[:MOST])
    return visit.page(
        "overview.html",
        title=visit.gettext("Overview"),
        changes=_counted(visit, latest, CHANGES, today),
        refusals=_counted(visit, denied, REFUSALS, today),
        position=int(changed.headers.get(POSITION.lower(), "0")),
        checkpoint=await _checkpoint(visit),
        latest=rows[:shown],
        denied=rows[shown:],
        tables=await _tables(visit),
        issued=await _issued(visit),
    )


async def _of_own(visit: ConsoleVisit) -> Response:
    found = await visit.api.get(CLIENTS, limit="10")
    return visit.page("overview_own.html", title=visit.gettext("Overview"), clients=found.of(list[ListedClient]))


class Number(Struct, frozen=True, kw_only=True):
    """A count; `more` if there are more than were counted. `url` is that of the list of what was counted."""

    count: int
    more: bool
    url: str


def _counted(visit: ConsoleVisit, found: list[AuditEvent], kinds: str, since: str) -> Number:
    url = visit.at("audit", type=kinds, since=since)
    return Number(count=len(found), more=len(found) == int(COUNTED), url=url)


class Tables(Struct, frozen=True, kw_only=True):
    """How the tables made of the logs are: the greatest lag, and the names of those that stopped or were found to differ."""

    lag: int
    stopped: list[str]
    differing: list[str]


async def _tables(visit: ConsoleVisit) -> Tables:
    found = (await visit.api.get(PROJECTIONS)).of(list[Projection])
    verified = [(each.name, each.last_verification) for each in found]
    return Tables(
        lag=max((each.lag for each in found), default=0),
        stopped=[each.name for each in found if each.state == "failed"],
        differing=[name for name, last in verified if last is not None and last.outcome != "agrees"],
    )


class Issuing(Struct, frozen=True, kw_only=True):
    """The tokens of the last whole minute, of today, and of each day."""

    minute: int
    today: int
    days: Bars


async def _issued(visit: ConsoleVisit) -> Issuing:
    found = (await visit.api.get(USAGE)).of(IssuedTokens)
    days = [each.tokens for each in found.days]
    return Issuing(
        minute=found.minutes[-2].tokens,
        today=days[-1],
        days=bars.bars(days, [each.since_utc.date() for each in found.days]),
    )


async def _checkpoint(visit: ConsoleVisit) -> int:
    """Return the number of events under the newest signed checkpoint; 0 if there is none yet."""
    try:
        note = (await visit.api.get("/log/checkpoint")).body.decode()
    except Refused:
        return 0
    return int(note.split("\n")[1])


SCREENS = (Screen(path="", get=show, link=Link(group="home", order=0, label=N_("Overview"), icon="overview")),)
