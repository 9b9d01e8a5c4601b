"""What `make bench` measures, section by section. A new one is a module with `measure` and one line here."""

from collections.abc import Callable, Iterable, Mapping

from tests.bench import (
    appends,
    endpoints,
    flat,
    observed,
    overload,
    pasts,
    people,
    pythons,
    replays,
    starts,
    workers,
)
from tests.bench.endpoint_figures import Endpoints
from tests.bench.figures import Figures
from tests.bench.history import measuring
from tests.bench.history.deployment import Size
from tests.bench.hostile import measuring as hostile
from tests.bench.place import Place

Found = Iterable[tuple[str, Figures]]


def _start(place: Place) -> Found:
    yield "start", starts.measure(place.directory, place.pace, place.say)


def _endpoints(place: Place) -> Found:
    yield "endpoints", Endpoints("Machines", endpoints.measure(place))


def _people(place: Place) -> Found:
    yield from people.measure(place)


def _workers(place: Place) -> Found:
    yield "workers", workers.measure(place)


def _pythons(place: Place) -> Found:
    yield from pythons.measure(place)


def _observed(place: Place) -> Found:
    databases = {name: place.database(name) for name in observed.WAYS}
    yield "observed", observed.measure(databases, place.directory, place.pace, place.say)


def _flat(place: Place) -> Found:
    yield "flat", flat.measure(place)


def _appends(place: Place) -> Found:
    yield "appends", appends.measure(place.database("appends"), place.pace, place.say)


def _replay(place: Place) -> Found:
    yield "replay", replays.measure(place.database("replay"), place.pace, place.say)


def _past(place: Place) -> Found:
    yield "past", pasts.measure(place.database("past"), place.pace, place.say)


def _history(place: Place) -> Found:
    pace = place.pace
    size = Size(events=pace.history, tokens=pace.tokens, seconds=pace.read_seconds)
    for name, group in measuring.measure(place.database("history"), place.directory, size, place.say):
        yield f"history: {name}", group


def _overload(place: Place) -> Found:
    for name, group in overload.measure(place.directory, place.pace, place.say):
        yield f"overload: {name}", group


def _hostile(place: Place) -> Found:
    for found in hostile.measure(place.database("hostile"), place.directory, place.pace.requests, place.say):
        yield "hostile", found


SECTIONS: Mapping[str, Callable[[Place], Found]] = {
    "start": _start,
    "endpoints": _endpoints,
    "people": _people,
    "workers": _workers,
    "flat": _flat,
    "appends": _appends,
    "replay": _replay,
    "overload": _overload,
}
"""Together they take less than a quarter of an hour."""

ASKED_FOR: Mapping[str, Callable[[Place], Found]] = {
    "observed": _observed,
    "past": _past,
    "history": _history,
    "pythons": _pythons,
    "hostile": _hostile,
}
"""Nobody waits for these who did not ask: the budget names none of their figures."""
