"""/console/log: the signed checkpoints of both logs, who witnessed them, and their verification in the reader's own browser."""

from datetime import UTC, datetime

from msgspec import Struct
from starlette.responses import Response

from events.transparency import notes
from events.transparency.checkpoints import tree_head
from service.console import log_parts
from service.console.api import Refused
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.transparency import ISSUANCE_PATH, PATH
from service.transparency.proofs import QUORUM
from service.values.scopes import AUDIT_READ

NAMES = {"log": (N_("Events"), PATH), "issuance": (N_("Issued tokens"), ISSUANCE_PATH)}


class Witnessed(Struct, frozen=True, kw_only=True):
    name: str
    at: datetime


class Checkpoint(Struct, frozen=True, kw_only=True):
    """`quorum` is "met", "not met", or "" if the deployment requires none."""

    tree: str
    label: str
    size: int
    root: str
    origin: str
    witnesses: list[Witnessed]
    quorum: str
    note: str


async def show(visit: ConsoleVisit) -> Response:
    name = visit.query.get("part")
    if name is not None:
        return await log_parts.part(visit, name)
    keys = (await visit.api.get(f"{PATH}/key")).body.decode()
    found = [await _checkpoint(visit, tree) for tree in NAMES]
    return visit.page(
        "log.html",
        title=visit.gettext("Transparency log"),
        keys=keys,
        position=_position(visit),
        checkpoints=[each for each in found if each is not None],
    )


def _position(visit: ConsoleVisit) -> str:
    """Return the position that a link to this page names, such as that of an event."""
    text = visit.query.get("position", "")
    return text if text.isascii() and text.isdigit() and len(text) <= log_parts.MOST_DIGITS else "1"


async def _checkpoint(visit: ConsoleVisit, tree: str) -> Checkpoint | None:
    """Return the newest checkpoint; None if there is none yet, as in the first second."""
    label, path = NAMES[tree]
    try:
        answer = await visit.api.get(f"{path}/checkpoint")
    except Refused as fault:
        if fault.problem.status != 503:
            raise
        return None
    note = notes.parsed(answer.body)
    head = tree_head(note)
    return Checkpoint(
        tree=tree,
        label=visit.gettext(label),
        size=head.size,
        root=head.root.hex(),
        origin=head.origin,
        witnesses=[
            Witnessed(name=each.name, at=datetime.fromtimestamp(notes.time_of(each), UTC))
            for each in note.signatures
            if each.name != head.origin
        ],
        quorum=answer.headers.get(QUORUM.lower(), ""),
        note=answer.body.decode(),
    )


SCREENS = (
    Screen(
        path="/log",
        get=show,
        needs=AUDIT_READ,
        link=Link(group="evidence", order=30, label=N_("Transparency log"), icon="log"),
    ),
)
