"""A life as a table: what happened, by whom, when; of whatever has one. With the fields that each event changed, as paragraphs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from msgspec import UNSET, json, to_builtins

from events.codec import Recorded
from events.replay import histories
from projections.table import Table
from service.cli.event_text import as_json, what, who, why
from service.cli.opening import Plainly, ask
from service.cli.output import line, lines, moment, say, shown, table

if TYPE_CHECKING:
    from service.endpoints.differences import Difference

Diff = Annotated[
    bool,
    typer.Option("--diff", help="With the fields that each event changed, before and after it, as the API names them."),
]
Changes = Sequence[Mapping[str, "Difference"]]


def tell_all(table: Table, streams: Sequence[UUID], *, none: str, diff: bool, script: bool) -> None:
    """Tell everything that happened to these streams of the table. Raises Plainly, with `none`, if there is no such stream."""
    events = ask(lambda connection: histories(connection, [*streams]))
    if not events or events[0].type not in table.tags:
        raise Plainly(none)
    tell(events, [what(past.event) for past in events], changes_of(table, events) if diff else None, script=script)


def changes_of(table: Table, events: Sequence[Recorded]) -> Changes:
    """The fields that each event changed: none for an event of another table."""
    from service.endpoints import differences  # noqa: PLC0415 - it imports Starlette

    return differences.changes_of(table, events)


def tell(events: Sequence[Recorded], told: Sequence[str], changes: Changes | None, *, script: bool) -> None:
    """`told` has the sentence of each event, and `changes` the fields that it changed; for scripts, one event a line."""
    pairs = list(zip(events, told, strict=True))
    if changes is not None:
        for (past, sentence), changed in zip(pairs, changes, strict=True):
            (_line if script else _paragraph)(past, sentence, changed)
    elif script:
        for past, sentence in pairs:
            line({**as_json(past), "told": sentence})
    else:
        table(("when", "what", "by", "reason", "position"), (_cells(past, sentence) for past, sentence in pairs))


def _cells(past: Recorded, sentence: str) -> tuple[str, ...]:
    return (moment(past.recorded_at), sentence, who(past.meta.actor), why(past.meta), str(past.position))


def _line(past: Recorded, sentence: str, changed: Mapping[str, "Difference"]) -> None:
    line({**as_json(past), "told": sentence, "changes": to_builtins(changed)})


def _paragraph(past: Recorded, sentence: str, changed: Mapping[str, "Difference"]) -> None:
    say(f"{moment(past.recorded_at)}  {sentence}")
    facts = [("by", who(past.meta.actor)), ("reason", why(past.meta)), ("position", str(past.position))]
    lines([*((name, fact) for name, fact in facts if fact), *field_facts(changed)], indent="  ")


def field_facts(changed: Mapping[str, "Difference"]) -> list[tuple[str, str]]:
    """Each changed field, with its value before and after."""
    return [(name, f"{_value(one.before)} → {_value(one.after)}") for name, one in changed.items()]


def _value(value: object) -> str:
    return "nothing" if value is UNSET else shown(json.encode(value)).decode()
