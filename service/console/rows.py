"""Lists of things with several fields in a form, such as the workloads of a client: a fieldset for each, and an empty one for another.

A field is named after the list, the place in it and the field of the API: `workloadIdentities.0.issuer`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import to_builtins

from service.console.forms import FormState

Kind = Literal["text", "optional", "list", "flag"]

WORKLOADS, EXCHANGES, ASSERTIONS = "workloadIdentities", "tokenExchange", "identityAssertions"
LISTS: Mapping[str, Mapping[str, Kind]] = {
    WORKLOADS: {"issuer": "text", "subject": "text", "audience": "optional", "singleUse": "flag"},
    EXCHANGES: {"clients": "list", "issuers": "list", "audiences": "list", "scopes": "list", "impersonation": "flag"},
    ASSERTIONS: {"audience": "text", "clientId": "text", "scopes": "list"},
}
REMOVE = "remove"
"""The box that removes a thing from its list when the form is saved."""

_named = re.compile(rf"({'|'.join(LISTS)})\.(\d{{1,3}})\.(\w+)", re.ASCII).fullmatch
_at = re.compile(r"(?P<fault>.*) - at \$\[(?P<number>\d+)\](\.(?P<field>\w+))?.*", re.DOTALL).fullmatch
_numbered = re.compile(r"\[(?P<number>\d+)\] (?P<fault>.*)", re.DOTALL).fullmatch
_empty = re.compile(r"must be (str|array) of length >= 1").fullmatch


def values(name: str, things: Sequence[object]) -> Mapping[str, str]:
    """Return the fields of the form, those of an empty thing at the end."""
    found = [{key: _typed(thing.get(key)) for key in LISTS[name]} for thing in map(to_builtins, things)]
    return {f"{name}.{at}.{key}": value for at, thing in enumerate([*found, {}]) for key, value in thing.items()}


def things(name: str, form: Mapping[str, str]) -> list[Mapping[str, Any]] | None:
    """Return the list as the API takes it; None if the form has none of its fields."""
    typed = _typed_things(name, form)
    return None if typed is None else [_thing(name, each) for each in typed]


def shown(form: FormState) -> FormState:
    """Return the form with the things of each list in one sequence, as the API has numbered them, and each fault at its field."""
    others = {name: value for name, value in form.values.items() if not _named(name)}
    lists = {
        f"{name}.{at}.{key}": value
        for name in LISTS
        for at, each in enumerate(_typed_things(name, form.values) or ())
        for key, value in each.items()
    }
    errors: dict[str, list[str]] = {}
    for name, fault in ((name, fault) for name, faults in form.errors.items() for fault in faults):
        place, text = _placed(name, fault) if name in LISTS else (name, fault)
        errors.setdefault(place, []).append(text)
    return form.__replace__(values={**others, **lists}, errors=errors)


def number(name: str, form: FormState) -> int:
    """Return how many things of the list the form has."""
    return len(_typed_things(name, form.values) or ())


def _typed_things(name: str, form: Mapping[str, str]) -> list[Mapping[str, str]] | None:
    """Return what was typed of each thing that is neither empty nor removed."""
    found: dict[int, dict[str, str]] = {}
    for at, key, value in _fields(name, form):
        found.setdefault(at, {})[key] = value
    if not found:
        return None
    kept = [each for _, each in sorted(found.items()) if not each.get(REMOVE)]
    return [each for each in kept if any(value.strip() for key, value in each.items() if LISTS[name][key] != "flag")]


def _fields(name: str, form: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    for field, value in form.items():
        found = _named(field)
        if found and found[1] == name and found[3] in (*LISTS[name], REMOVE):
            yield int(found[2]), found[3], value


def _thing(name: str, typed: Mapping[str, str]) -> Mapping[str, Any]:
    return {key: _value(kind, typed.get(key, "").strip()) for key, kind in LISTS[name].items()}


def _value(kind: Kind, typed: str) -> Any:
    match kind:
        case "text":
            return typed
        case "optional":
            return typed or None
        case "list":
            return list(dict.fromkeys(typed.split()))
        case "flag":
            return typed == "yes"


def _typed(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else ""
        case list():
            return "\n".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            return "" if value is None else str(value)


def _placed(name: str, fault: str) -> tuple[str, str]:
    """Return the field of the form that a fault of the list is about, and the fault without its place."""
    found = _at(fault) or _numbered(fault)
    if found is None:
        return name, fault
    said = found.groupdict()
    place = f"{name}.{said['number']}" + (f".{said['field']}" if said.get("field") in LISTS[name] else "")
    return place, "is required" if _empty(said["fault"]) else said["fault"]
