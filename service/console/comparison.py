"""A client as it was at two moments, and what differs between them."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json

from service.console import changes, client, moments
from service.console.api import Refused
from service.console.changes import Change
from service.console.screen import ConsoleVisit
from service.endpoints.differences import difference
from service.endpoints.moments import AS_OF, as_text
from service.endpoints.responses import POSITION
from service.values import typed_moments
from service.values.typed_moments import NOW

UNRECORDED = "lastUsedUtc"
"""The log does not say when something was last used, so the past has no such field."""


class Then(Struct, frozen=True, kw_only=True):
    """`fields` are those of the API; None if there was no such client at the moment. `position` is that of the moment, if known."""

    moment: str
    position: int | None = None
    fields: Mapping[str, Any] | None = None

    def shown(self, language: str) -> list[tuple[str, str]]:
        return [(name, changes.shown(name, value, language)) for name, value in (self.fields or {}).items()]


async def at(visit: ConsoleVisit, name: str, typed: str) -> Then:
    """Return the client at the moment that was typed in the field `name`. Raises Mistyped, and Refused for a position that is to come."""
    moment = moments.read(visit, name, typed, typed_moments.at)
    shown = NOW if moment is None else typed
    if moment is None:
        lookup = visit.browser.resources.lookup
        await lookup.be_certain()
        moment = as_text(lookup.position)
    then = await _at(visit, moment)
    return then.__replace__(moment=shown)


async def _at(visit: ConsoleVisit, moment: str) -> Then:
    try:
        found = await visit.api.get(client.path(visit), as_of=moment)
    except Refused as fault:
        if fault.problem.status != 404:
            raise
        return Then(moment=moment, position=_position_in(moment))
    position = int(found.headers[POSITION.lower()])
    secrets = await visit.api.get(client.path(visit, "secrets"), as_of=as_text(position))
    fields = {**_known(found.of(dict[str, Any])), "secrets": [_known(each) for each in json.decode(secrets.body)]}
    return Then(moment=moment, position=position, fields=fields)


def between(before: Then, after: Then, language: str) -> list[Change]:
    return changes.changes(difference(before.fields, after.fields), language)


def faults_of(fault: Refused, name: str) -> dict[str, list[str]]:
    """Return what is wrong with the moment, as faults of the field `name`."""
    return {name: fault.errors.get(AS_OF, [fault.problem.detail])}


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != UNRECORDED}


def _position_in(moment: str) -> int | None:
    digits = moment.removeprefix("position:")
    return int(digits) if digits != moment else None
