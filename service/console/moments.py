"""Moments in forms and addresses of the console: what a person typed, as the API takes it, and what is wrong with it in words."""

from collections.abc import Callable, Mapping
from datetime import datetime

from service.clock import utc_now
from service.console.language import N_
from service.console.screen import ConsoleVisit
from service.values import typed_moments
from service.values.typed_moments import Future, NoMoment

NO_MOMENT = N_("This is no time. Write 2026-11-27, 2026-11-27 21:30 or now.")
FUTURE = N_("This is in the future.")
READ: Mapping[str, Callable[[str, datetime], str | None]] = {
    "since": typed_moments.since,
    "until": typed_moments.until,
}


class Mistyped(Exception):
    """The text of a field is no moment, or not one of the past. `detail` says so in the reader's language."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail

    @property
    def errors(self) -> Mapping[str, list[str]]:
        return {self.name: [self.detail]}


def sent(visit: ConsoleVisit, asked: Mapping[str, str]) -> dict[str, str]:
    """Return the query with `since` and `until` as the API takes them. Raises Mistyped."""
    query = dict(asked)
    for name in READ.keys() & query.keys():
        moment = read(visit, name, query.pop(name), READ[name])
        if moment is not None:
            query[name] = moment
    return query


def read(visit: ConsoleVisit, name: str, text: str, meaning: Callable[[str, datetime], str | None]) -> str | None:
    """Return the moment in the field `name`; None: now. Raises Mistyped."""
    try:
        return meaning(text, utc_now())
    except NoMoment as fault:
        raise Mistyped(name, visit.gettext(NO_MOMENT)) from fault
    except Future as fault:
        raise Mistyped(name, visit.gettext(FUTURE)) from fault
