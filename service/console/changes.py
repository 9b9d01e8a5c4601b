"""The entries of a history, as a page shows them: what happened, who caused it and why, and each field before and after."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from msgspec import UNSET, Struct, json

from service.console import actors, times
from service.console.actors import Actor
from service.console.happenings import said
from service.console.language import N_, catalogue
from service.console.names import Names
from service.console.screen import ConsoleVisit
from service.endpoints.differences import Difference
from service.endpoints.history_schemas import HistoryEntry

LONGEST = 300
"""Characters of a value; the rest is cut off, and the API has it."""


class Change(Struct, frozen=True, kw_only=True):
    """A field, before and after. Of a list, only what was removed and what was added."""

    field: str
    before: str
    after: str


class Entry(Struct, frozen=True, kw_only=True):
    position: int
    version: int
    at: datetime
    what: str
    type: str
    actor: Actor
    reason: str
    changes: list[Change]


async def entries(visit: ConsoleVisit, found: Sequence[HistoryEntry], names: Names | None = None) -> list[Entry]:
    """Return the entries with the names of their actors. Of a registration, the fields are not repeated."""
    who = await actors.named(visit, (each.actor for each in found), names)
    return [
        Entry(
            position=each.position,
            version=each.version,
            at=each.recorded_at,
            what=visit.gettext(said(each.type)),
            type=each.type,
            actor=actor,
            reason=each.reason if isinstance(each.reason, str) else "",
            changes=[] if each.version == 1 else changes(each.changes, visit.browser.language),
        )
        for each, actor in zip(found, who, strict=True)
    ]


def changes(fields: dict[str, Difference], language: str) -> list[Change]:
    return [_change(name, difference, language) for name, difference in fields.items()]


def _change(name: str, difference: Difference, language: str) -> Change:
    before, after = difference.before, difference.after
    if isinstance(before, list) and isinstance(after, list):
        was, now = cast("list[Any]", before), cast("list[Any]", after)
        before, after = [each for each in was if each not in now], [each for each in now if each not in was]
    return Change(field=name, before=shown(name, before, language), after=shown(name, after, language))


def shown(name: str, value: Any, language: str) -> str:
    """Return the value of the field for people to read; "" for none."""
    if name.endswith("Utc") and isinstance(value, str):
        return times.text(datetime.fromisoformat(value), language)
    return text_of(value, language)


def text_of(value: Any, language: str) -> str:
    match value:
        case None:
            text = ""
        case str():
            text = value
        case bool():
            text = catalogue(language).gettext(N_("yes") if value else N_("no"))
        case list():
            text = ", ".join(_item(each, language) for each in cast("list[Any]", value))
        case _:
            text = "" if value is UNSET else json.encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _item(value: Any, language: str) -> str:
    """Return an item of a list; of a secret or a factor, its name; of a role through a group, whether a person gave it, too."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if "alsoGiven" in fields:
            words = catalogue(language).gettext(N_("%(role)s (also given)")) if fields["alsoGiven"] else "%(role)s"
            return words % {"role": fields["role"]}
        parts = [str(fields[name]) for name in ("name", "kind", "hint") if fields.get(name)]
        return " ".join(parts) or json.encode(fields).decode()
    return text_of(value, language)
