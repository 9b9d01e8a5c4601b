"""Events of the log as pages show them: what happened, to what, who caused it and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from service.audit.event_json import AuditEvent, SealedFor
from service.console import actors, causes
from service.console.actors import Actor
from service.console.happenings import said
from service.console.names import Names
from service.console.places import page_about
from service.console.screen import ConsoleVisit
from service.console.subjects import Subject, subjects, thing_of

DETAILS: Mapping[str, str] = {"audit.read": "path", "user.role_given": "role", "user.role_taken": "role"}
"""The field that says what happened, by the types whose words alone do not."""


class Shown(Struct, frozen=True, kw_only=True):
    """`url` is that of the event's own page. `subject` is None where the page says it once for all. `detail` is what was read, or the role.

    `cause` says why a request was refused. If `is_sealed`, only the history of the user has the reason.
    """

    position: int
    at: datetime
    what: str
    type: str
    actor: Actor
    reason: str
    url: str
    subject: Subject | None = None
    detail: str = ""
    is_sealed: bool = False
    cause: str = ""


async def shown(visit: ConsoleVisit, found: Sequence[AuditEvent]) -> list[Shown]:
    """Return the events in the same order, without their subjects."""
    return await _with_actors(visit, found, Names(visit))


async def with_subjects(visit: ConsoleVisit, found: Sequence[AuditEvent]) -> list[Shown]:
    """All names are read together."""
    names = Names(visit)
    await names.learn(thing for event in found for thing in (thing_of(event), *actors.things(event.actor)))
    about = await subjects(visit, found, names)
    rows = await _with_actors(visit, found, names)
    return [row.__replace__(subject=subject) for row, subject in zip(rows, about, strict=True)]


async def _with_actors(visit: ConsoleVisit, found: Sequence[AuditEvent], names: Names) -> list[Shown]:
    who = await actors.named(visit, (each.actor for each in found), names)
    return [_shown(visit, event, actor) for event, actor in zip(found, who, strict=True)]


def _shown(visit: ConsoleVisit, event: AuditEvent, actor: Actor) -> Shown:
    return Shown(
        position=event.position,
        at=event.recorded_at,
        what=visit.gettext(said(event.type)),
        type=event.type,
        actor=actor,
        reason=event.reason if isinstance(event.reason, str) else "",
        cause=causes.cause(visit, event),
        url=page_about(visit, "change", str(event.position)),
        detail=str(event.data.get(DETAILS.get(event.type, ""), "")),
        is_sealed=isinstance(event.reason, SealedFor),
    )
