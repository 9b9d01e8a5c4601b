"""/console/projections: how far each table that is derived from a log is, whether it is right, and what to do if it has stopped."""

from collections.abc import Sequence

from msgspec import Struct
from starlette.responses import Response

from service.console.language import N_
from service.console.places import page_about
from service.console.screen import ConsoleVisit, Crumb, Link, Screen
from service.endpoints.projections import PATH, Projection
from service.problems import NotFound
from service.values.scopes import AUDIT_READ


class Command(Struct, frozen=True):
    """What an operator does at the command line, and when."""

    when: str
    line: str


class Shown(Struct, frozen=True, kw_only=True):
    """A projection. `percent` is how much of its log it has taken in; `entry` is the page of the event at which it stopped, or ""."""

    projection: Projection
    percent: int
    stopped: bool
    wrong: bool
    entry: str
    commands: list[Command]

    @property
    def troubled(self) -> bool:
        return self.stopped or self.wrong


async def show(visit: ConsoleVisit) -> Response:
    found = [_shown(visit, each) for each in await _all(visit)]
    return visit.page(
        "projections.html",
        title=visit.gettext("Projections"),
        projections=found,
        troubled=[each for each in found if each.troubled],
    )


async def show_one(visit: ConsoleVisit) -> Response:
    """A table that is built beside it, for a later version of its code, is shown below it."""
    name = visit.param("name")
    found = [_shown(visit, each) for each in await _all(visit) if name in (each.name, _known_as(each))]
    if not found:
        raise NotFound("There is no projection with this name.")
    crumbs = [Crumb(visit.gettext("Projections"), "/projections")]
    return visit.page("projection.html", title=name, crumbs=crumbs, name=name, found=found)


async def _all(visit: ConsoleVisit) -> Sequence[Projection]:
    return (await visit.api.get(PATH)).of(list[Projection])


def _known_as(projection: Projection) -> str:
    """Return the name that commands take. A table that is built beside the live one has its version in its own name."""
    return projection.name.removesuffix(f"_v{projection.version}")


def _shown(visit: ConsoleVisit, projection: Projection) -> Shown:
    stopped = projection.state in ("failed", "not loaded") or (
        projection.state == "not started" and bool(projection.error)
    )
    verified = projection.last_verification
    wrong = verified is not None and verified.outcome != "agrees"
    return Shown(
        projection=projection,
        percent=100 * projection.position // (projection.position + projection.lag or 1),
        stopped=stopped,
        wrong=wrong,
        entry=_entry(visit, projection),
        commands=_commands(visit, projection, stopped=stopped, wrong=wrong),
    )


def _entry(visit: ConsoleVisit, projection: Projection) -> str:
    if projection.failed_position is None or projection.follows != "events":
        return ""
    return page_about(visit, "change", str(projection.failed_position))


def _commands(visit: ConsoleVisit, projection: Projection, *, stopped: bool, wrong: bool) -> list[Command]:
    """Nothing here is carried out by the console: a rebuild may take long, and reads the whole log."""
    name = _known_as(projection)
    rebuild = Command(visit.gettext("Make the table again from the log"), f"muniment projections rebuild {name}")
    if projection.state == "failed":
        resume = visit.gettext("Go on from where it stopped, once the cause is gone")
        return [Command(resume, f"muniment projections resume {name}"), rebuild]
    if wrong:
        return [Command(visit.gettext("Compare again"), f"muniment projections verify {name}"), rebuild]
    return [Command(visit.gettext("See what keeps it from starting"), "muniment doctor")] if stopped else []


SCREENS = (
    Screen(
        path="/projections",
        get=show,
        needs=AUDIT_READ,
        link=Link(group="operation", order=10, label=N_("Projections"), icon="projections"),
    ),
    Screen(path="/projections/{name}", get=show_one, needs=AUDIT_READ),
)
