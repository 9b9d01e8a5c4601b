"""Projections of other packages: an installed package declares them as entry points of the group `muniment.projections`.

The name of an entry point is the schema of its tables. So `muniment db migrate`, which logs in as the owner of the log, makes the
schemas from names alone and runs none of the packages' code.
"""

import logging
import re
from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from projections.catch_up import BATCHES, ISSUANCE, CatchUp
from projections.columns import creation

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "muniment.projections"

RESERVED = frozenset({"log", "read", "muniment", "vault", "limits", "push", "public", "information_schema"})
"""The schemas that no package may have: they belong to Muniment or to Postgres."""

NAME = re.compile(r"(?!pg_)[a-z][a-z0-9_]{0,39}")
"""The form of a schema's or table's name. Postgres keeps 63 bytes of a name, and the engine appends to it."""

DERIVED = re.compile(r"_(rebuilt|replaced|v\d+)$")
"""The endings of names that the engine gives to a second table of a projection."""

NAMES = "use small letters, digits and underscores, at most 40"

log = logging.getLogger("muniment.projections")


class LeftOut(Struct, frozen=True):
    """An entry point, or one of its projections, that cannot be used."""

    name: str
    why: str


class Installed(Struct, frozen=True):
    """The projections, by their names in commands: SCHEMA.NAME."""

    projections: dict[str, CatchUp[Any, Any]]
    left_out: list[LeftOut]


class Unusable(Exception):
    """A declaration of a package breaks a rule; the text says which."""


def schemas() -> list[str]:
    """Returns the schemas that installed packages need. It runs no code of a package."""
    return [entry.name for entry in _declared()[0]]


def load() -> Installed:
    """Imports the projections that installed packages declare. It logs every error and raises none."""
    entries, left_out = _declared()
    found: dict[str, CatchUp[Any, Any]] = {}
    for entry in entries:
        try:
            loaded = _loaded(entry)
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - the code of a package runs here
            left_out.append(_left_out(entry.name, entry, fault))
            continue
        for number, each in enumerate(loaded, 1):
            try:
                _check(each, entry.name, found)
                found[each.id] = each
            except Exception as fault:  # noqa: BLE001 - an object of a package can raise anything
                left_out.append(
                    _left_out(f"{entry.name}.{_safely(lambda each=each: each.name, str(number))}", entry, fault)
                )
    for each in left_out:
        log.error("the projection %s of an installed package is left out: %s", each.name, each.why)
    return Installed(found, left_out)


def _declared() -> "tuple[list[EntryPoint], list[LeftOut]]":
    """Returns the entry points whose names can be schemas, in the same order in each process, and the others with their errors."""
    found, left_out = _entry_points()
    entries: dict[str, EntryPoint] = {}
    for entry in sorted(found, key=lambda entry: (_package(entry), entry.name, entry.value)):
        try:
            _check_schema(entry.name, entries)
            entries[entry.name] = entry
        except Unusable as fault:
            left_out.append(_left_out(entry.name, entry, fault))
    return list(entries.values()), left_out


def _entry_points() -> "tuple[list[EntryPoint], list[LeftOut]]":
    """Returns the entry points of each package. An unreadable file leaves out only its own package."""
    from importlib import metadata  # noqa: PLC0415 - loads the e-mail parser, which takes 50 ms

    found: dict[str, Iterable[EntryPoint]] = {}
    left_out: list[LeftOut] = []
    for package in metadata.distributions():
        try:
            if GROUP in (package.read_text("entry_points.txt") or ""):
                found.setdefault(package.name, package.entry_points.select(group=GROUP))  # the first on the path counts
        except Exception as fault:  # noqa: BLE001 - the files of a package are read here
            name = _safely(lambda package=package: package.name, "a package")
            left_out.append(LeftOut(name, f"its entry points cannot be read: {_said(fault)}"))
    return [entry for entries in found.values() for entry in entries], left_out


def _check_schema(name: str, before: "dict[str, EntryPoint]") -> None:
    rule = "the name of an entry point is the schema of its tables"
    if name in RESERVED:
        raise Unusable(f"{rule}, and {name} is not a package's own: choose another")
    if not NAME.fullmatch(name):
        raise Unusable(f"{rule}: {NAMES}")
    if name in before:
        raise Unusable(f"{rule}, and {_package(before[name])} has one of the same name: choose another")


def _loaded(entry: "EntryPoint") -> list[Any]:
    found: Any = entry.load()
    if callable(found):
        found = found()
    return [*found] if isinstance(found, (tuple, list)) else [found]


def _check(projection: CatchUp[Any, Any], schema: str, before: Container[str]) -> None:
    """Raises Unusable if the engine cannot make its table, or any error that the object raises."""
    kind: type = type(projection)
    if not issubclass(kind, CatchUp):
        raise Unusable(f"it is of the type {kind.__name__}, and a projection of a package is a CatchUp")
    if projection.schema != schema:
        raise Unusable(f"its schema is {projection.schema}: say schema={schema!r}, the name of the entry point")
    if not NAME.fullmatch(projection.name) or DERIVED.search(projection.name):
        raise Unusable(f"its name cannot be a table's: {NAMES}, without _v1, _rebuilt or _replaced at the end")
    if projection.id in before:
        raise Unusable("there is another of this name")
    if projection.version < 1 or projection.follows.log not in BATCHES or not callable(projection.project):
        raise Unusable(
            "it needs a version from 1 on, what it follows (events(...) or ISSUANCE), and a function to project"
        )
    if projection.totals is not None and projection.follows != ISSUANCE:
        raise Unusable("it has totals, which are of tokens, and does not follow ISSUANCE")
    named = {*projection.key, *(column for index in projection.indexes for column in index)}
    if not projection.key or named - {*projection.columns}:
        raise Unusable("its key and its indexes name columns that its row does not have")
    creation(projection, projection.name)  # raises NoColumn


def _left_out(name: str, entry: "EntryPoint", fault: BaseException) -> LeftOut:
    why = str(fault) if isinstance(fault, Unusable) else _said(fault)
    return LeftOut(name, f"{_package(entry)} ({entry.value}): {why}")


def _said(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {_safely(lambda: str(fault), 'its text cannot be read')}"


def _package(entry: "EntryPoint") -> str:
    return _safely(lambda: entry.dist.name if entry.dist else "", "")


def _safely(text: Callable[[], object], otherwise: str) -> str:
    """Returns a text about a package that its own code or files give, or else the other text."""
    try:
        found = text()
    except Exception:  # noqa: BLE001 - a package can raise anything
        return otherwise
    return found if isinstance(found, str) else otherwise
