"""The page about what follows from a compromise: it shows it, says what a revocation would do, and orders one."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from service.console import blast
from service.console.api import Refused
from service.console.blast import ASKED, Radius
from service.console.forms import FormState, refused, untouched
from service.console.places import page_about
from service.console.screen import ConsoleVisit
from service.console.submission import submitted
from service.revocation.receipt import RevocationReceipt
from service.values.scopes import OPERATE

Render = Callable[..., Awaitable[Response]]
"""Takes a template, `status` and what the template needs, and returns the page."""


class Origin(Struct, frozen=True, kw_only=True):
    """Something that the reader can choose as the beginning: its label, its id, and what else is said of it."""

    label: str
    id: str
    detail: str = ""


class Place(Struct, frozen=True, kw_only=True):
    """One page: the request for it, how it is rendered, and what can be chosen on it."""

    visit: ConsoleVisit
    render: Render
    origins: list[Origin]


async def show(place: Place, usual: str = "") -> Response:
    """`usual` is the id that the page begins with; "" for none."""
    given = {**place.visit.query, **place.visit.returned}
    asked = {name: given[name] for name in ASKED if given.get(name)}
    return await _page(place, {"id": usual, **asked}, untouched(place.visit))


async def act(place: Place) -> Response:
    visit = place.visit
    asked = {name: visit.form[name] for name in ("id", "since") if visit.form.get(name)}

    async def send() -> Response:
        return await _revoked(place, asked, await blast.stopped(visit, asked))

    return await submitted(visit, OPERATE, send, lambda form, status: _page(place, asked, form, status))


async def _revoked(place: Place, asked: Mapping[str, str], receipt: RevocationReceipt) -> Response:
    visit = place.visit
    return await place.render(
        "revoked.html",
        receipt=receipt,
        counts=blast.counts(visit, receipt.follows, receipt),
        origin=visit.gettext(blast.ONE.get(receipt.origin.kind, receipt.origin.kind)),
        again=visit.here_with(**asked),
        ordered=page_about(visit, "change", str(receipt.first_position)) if receipt.first_position else "",
    )


async def _page(place: Place, asked: Mapping[str, str], form: FormState, status: int = 200) -> Response:
    visit, search = place.visit, FormState(values=asked)
    radius: Radius | None = None
    if asked.get("id"):
        try:
            given = {("secret", each.id): f"{each.label} {each.detail}" for each in place.origins if each.detail}
            radius = await blast.found(visit, asked, given)
        except Refused as fault:
            if fault.problem.status not in (400, 404):
                raise
            search, status = refused(asked, fault), fault.problem.status
    context: dict[str, Any] = {"search": search, "asked": asked, "radius": radius, "form": form}
    return await place.render(
        "blast_radius.html",
        status=status,
        kinds=_kinds(visit, asked, radius),
        origins=place.origins,
        **context,
    )


def _kinds(visit: ConsoleVisit, asked: Mapping[str, str], radius: Radius | None) -> list[tuple[str, str, int, bool]]:
    """Return the choices of a kind: its label, its address, how many there are, and whether it is chosen."""
    if radius is None:
        return []
    every = (visit.gettext("All"), visit.here_with(**{**asked, "kind": ""}), radius.total, not asked.get("kind"))
    some = [
        (each.label, visit.here_with(**{**asked, "kind": each.kind}), each.follows, asked.get("kind") == each.kind)
        for each in radius.counts
        if each.follows
    ]
    return [every, *some]
