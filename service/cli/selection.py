"""Which events a command tells: from where to where, of which types, and by whom."""

from datetime import UTC, date, datetime, time
from typing import Annotated

import typer
from msgspec import Struct

from events.codec import TYPES, Recorded
from events.database import Connection
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser
from service.cli.opening import Plainly

MUNIMENT = "muniment"
"""The name of the service itself as an actor; no other actor may have it."""

MOST_DIGITS = 18
# The log's times never run backwards, so each of these finds its row from one end of an index.
BEFORE = "select last_position from log.batches where recorded_at < $1 order by last_position desc limit 1"
UP_TO = "select last_position from log.batches where recorded_at <= $1 order by last_position desc limit 1"

Place = int | datetime
"""A position of the log, or a time."""

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        "--from",
        metavar="WHEN",
        help="The first position wanted, or a time (2026-03-03, 2026-03-03T14:02, 2026-03-03T15:02+01:00; UTC unless it says).",
        show_default=False,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        "--to",
        metavar="WHEN",
        help="The last position wanted, or a time; a day is whole.",
        show_default=False,
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", help="Only this type, such as client.disabled, or all of client. May be given several times."
    ),
]
Actors = Annotated[
    list[str] | None,
    typer.Option(
        "--actor",
        help="Only what was done by this client_id, sub, user or session id, operator's name, or muniment itself. May be given several times.",
    ),
]


class Selection(Struct, frozen=True, kw_only=True):
    """Nothing given is everything."""

    since: Place | None = None
    until: Place | None = None
    types: tuple[str, ...] = ()
    actors: frozenset[str] = frozenset()

    @property
    def has_holes(self) -> bool:
        """Whether events between the first and the last are left out."""
        return bool(self.types or self.actors)

    def wants(self, past: Recorded) -> bool:
        return (
            (self.since is None or _place(past, self.since) >= 0)
            and (self.until is None or _place(past, self.until) <= 0)
            and (not self.types or any(past.type == kind or past.type.startswith(f"{kind}.") for kind in self.types))
            and (not self.actors or not self.actors.isdisjoint(names(past.meta.actor)))
        )


def selection(since: str | None, until: str | None, types: list[str] | None, actors: list[str] | None) -> Selection:
    """What the options say. Raises Plainly."""
    first = None if since is None else _read("--since", since, time.min)
    last = None if until is None else _read("--until", until, time.max)
    same_kind = isinstance(first, int) == isinstance(last, int)
    if first is not None and last is not None and same_kind and first > last:  # pyright: ignore[reportOperatorIssue]
        raise Plainly(f"--since {since} is after --until {until}.")
    nouns = {kind.partition(".")[0] for kind in TYPES}
    for kind in types or ():
        if kind not in TYPES | nouns:
            raise Plainly(
                f"There is no type {kind}; there are {', '.join(sorted(nouns))}, and {', '.join(sorted(TYPES))}."
            )
    return Selection(since=first, until=last, types=tuple(types or ()), actors=frozenset(actors or ()))


def names(actor: Actor) -> set[str]:
    """What an actor can be asked for by."""
    match actor:
        case ByClient():
            return {actor.client_id, actor.sub}
        case ByUser():
            return {str(actor.user_id), str(actor.session)}
        case ByOperator():
            return {actor.user}
        case ByService():
            return {MUNIMENT}


async def first_position(connection: Connection, since: Place | None) -> int:
    """The first that there is or will be from there on."""
    if isinstance(since, datetime):
        return (await connection.fetchval(BEFORE, since) or 0) + 1
    return since or 1


async def last_position(connection: Connection, until: Place | None) -> int | None:
    """The last until then; None where it was not said."""
    if isinstance(until, datetime):
        return await connection.fetchval(UP_TO, until) or 0
    return until


def _place(past: Recorded, place: Place) -> int:
    """Where the event is: before (-1), at (0) or after (1) the place."""
    if isinstance(place, int):
        return (past.position > place) - (past.position < place)
    return (past.recorded_at > place) - (past.recorded_at < place)


def _read(option: str, text: str, of_a_day: time) -> Place:
    if text.isascii() and text.isdigit() and 0 < int(text[: MOST_DIGITS + 1]) < 10**MOST_DIGITS:
        return int(text)
    try:
        if len(text) == len("2026-03-03"):
            return datetime.combine(date.fromisoformat(text), of_a_day, UTC)
        at = datetime.fromisoformat(text)
    except ValueError as fault:
        raise Plainly(
            f"{option} {text} is neither a position nor a time such as 2026-03-03 or 2026-03-03T14:02Z."
        ) from fault
    return at if at.tzinfo else at.replace(tzinfo=UTC)
