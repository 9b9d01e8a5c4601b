"""What `make bench` measures, section by section. A new one is a module with `measure` and one line here."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from tests.bench import (
    appends,
    disk,
    endpoints,
    flat,
    hour,
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
from tests.bench.pace import CAREFUL, Pace
from tests.bench.place import Place

Found = Iterable[tuple[str, Figures]]


def _start(place: Place) -> Found:
    yield "start", starts.measure(place.directory, place.pace, place.say)


def _endpoints(place: Place) -> Found:
    before = disk.measure(place.directory)
    yield "endpoints", Endpoints("Machines", endpoints.measure(place))
    yield "disk", disk.Disk(before, disk.measure(place.directory))


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


def _hour(place: Place) -> Found:
    for found in hour.measure(place):
        yield "hour", found


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


class Section(Struct, frozen=True):
    """`seconds` is about what it takes on two cores: rounds as they are meant, and what was seen of what they need before."""

    measure: Callable[[Place], Found]
    seconds: Callable[[Pace], float]


SECTIONS: Mapping[str, Section] = {
    "start": Section(_start, lambda pace: 5 * pace.starts + 8),
    "endpoints": Section(_endpoints, endpoints.seconds),
    "people": Section(_people, people.seconds),
    "workers": Section(_workers, workers.seconds),
    "flat": Section(_flat, flat.seconds),
    "appends": Section(_appends, lambda pace: len(appends.LEVELS) * _append_seconds(pace)),
    "replay": Section(_replay, lambda pace: pace.events / 1e6 * (23 * pace.reads + 160)),
    "overload": Section(_overload, lambda pace: (100 if pace.rounds >= CAREFUL.rounds else 55) + _append_seconds(pace)),
}
"""Together they are meant to take less than a quarter of an hour."""

ASKED_FOR: Mapping[str, Section] = {
    "observed": Section(_observed, lambda pace: 8 * pace.rounds * pace.seconds + 25),
    "past": Section(_past, lambda pace: 120),
    "history": Section(_history, lambda pace: pace.history / 1e6 * 400 + pace.tokens / 1e6 * 120 + 60),
    "pythons": Section(_pythons, lambda pace: 2 * workers.seconds(pace) + 10),
    "hostile": Section(_hostile, lambda pace: pace.requests / 400 + 30),
    "hour": Section(_hour, lambda pace: pace.minutes * 60 + 30),
}
"""Nobody waits for these who did not ask: they take long, or the budget names none of their figures."""

ALL_SECTIONS: Mapping[str, Section] = {**SECTIONS, **ASKED_FOR}


def _append_seconds(pace: Pace) -> float:
    return pace.append_rounds * (3 * pace.append_seconds + 1.5)
