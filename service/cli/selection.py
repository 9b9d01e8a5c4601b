"""Which events a command tells: from where to where, of which types, and by whom."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer
from msgspec import Struct

from events.batches import positions_before, positions_until
from events.codec import TYPES, Recorded
from events.database import Connection
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser
from events.replay import head
from service.cli.opening import Plainly

MUNIMENT = "muniment"
"""The name of the service itself as an actor; no other actor may have it."""

MOST_DIGITS = 18
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
EVENTS = "log.batches"

_is_length = re.compile(r"(\d{1,4})([mhdw])", re.ASCII).fullmatch

Place = int | datetime
"""A position of the log, or a time."""

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        "--from",
        metavar="WHEN",
        help="The first position wanted, or a time (2026-03-03, 2026-03-03T14:02, 2026-03-03T15:02+01:00; UTC unless it says), "
        "or how long ago (90m, 12h, 30d, 2w).",
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
            self.spans(past.position, past.recorded_at)
            and (not self.types or any(past.type == kind or past.type.startswith(f"{kind}.") for kind in self.types))
            and (not self.actors or not self.actors.isdisjoint(names(past.meta.actor)))
        )

    def spans(self, position: int, moment: datetime) -> bool:
        """Whether what has this position and time is between the first and the last."""
        return (self.since is None or _side(position, moment, self.since) >= 0) and (
            self.until is None or _side(position, moment, self.until) <= 0
        )


def selection(since: str | None, until: str | None, types: list[str] | None, actors: list[str] | None) -> Selection:
    """What the options say. Raises Plainly."""
    first = None if since is None else read_place("--since", since, time.min)
    last = None if until is None else read_place("--until", until, time.max)
    same_kind = isinstance(first, int) == isinstance(last, int)
    if first is not None and last is not None and same_kind and first > last:  # pyright: ignore[reportOperatorIssue]
        raise Plainly(f"--since {since} is after --until {until}.")
    nouns = {kind.partition(".")[0] for kind in TYPES}
    for kind in types or ():
        if kind not in TYPES | nouns:
            raise Plainly(
                f"There is no type {kind}. The families are {', '.join(sorted(nouns))}; the types are {', '.join(sorted(TYPES))}."
            )
    return Selection(since=first, until=last, types=tuple(types or ()), actors=frozenset(actors or ()))


def until_place(option: str, text: str) -> Place:
    """The position or time that an option of this name gives; a day is whole. Raises Plainly."""
    return read_place(option, text, time.max)


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


async def bounds(connection: Connection, wanted: Selection, batches: str) -> tuple[int, int]:
    """The first and the last position that are wanted, of those that there are; if there are none, the last is before the first.

    Raises Plainly if the range has not begun yet.
    """
    end = (await head(connection, batches)).position
    first = await first_position(connection, wanted.since, batches)
    last = await last_position(connection, wanted.until, batches)
    if isinstance(wanted.since, int) and first > end:
        raise Plainly(f"The log ends at position {end}; there is no {first}.")
    if isinstance(wanted.since, datetime) and wanted.since > datetime.now(UTC):
        raise Plainly(f"--since {wanted.since} is in the future.")
    return first, max(end if last is None else min(last, end), first - 1)


async def first_position(connection: Connection, since: Place | None, batches: str = EVENTS) -> int:
    """The first that there is or will be from there on."""
    if isinstance(since, datetime):
        return (await positions_before(connection, batches, [since]))[0] + 1
    return since or 1


async def last_position(connection: Connection, until: Place | None, batches: str = EVENTS) -> int | None:
    """The last until then; None where it was not said."""
    if isinstance(until, datetime):
        return (await positions_until(connection, batches, [until]))[0]
    return until


def _side(position: int, moment: datetime, place: Place) -> int:
    """On which side of the place this is: before (-1), at (0) or after (1) it."""
    if isinstance(place, int):
        return (position > place) - (position < place)
    return (moment > place) - (moment < place)


def length_of(text: str) -> timedelta | None:
    """Returns the length of time that a text such as 90m, 12h, 30d or 2w says; None if it says none."""
    found = _is_length(text)
    return None if found is None else int(found[1]) * UNITS[found[2]]


def read_place(option: str, text: str, of_a_day: time) -> Place:
    """Returns the position or the time of an option; a day without a time is its moment `of_a_day`. Raises Plainly."""
    if text.isascii() and text.isdigit() and 0 < int(text[: MOST_DIGITS + 1]) < 10**MOST_DIGITS:
        return int(text)
    if (ago := length_of(text)) is not None:
        return datetime.now(UTC) - ago
    try:
        if len(text) == len("2026-03-03"):
            return datetime.combine(date.fromisoformat(text), of_a_day, UTC)
        at = datetime.fromisoformat(text)
    except ValueError as fault:
        raise Plainly(
            f"{option} {text} is neither a position nor a time such as 2026-03-03, 2026-03-03T14:02Z or 30d (30 days ago)."
        ) from fault
    return at if at.tzinfo else at.replace(tzinfo=UTC)
