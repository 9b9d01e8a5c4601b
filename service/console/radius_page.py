"""The page about what follows from a compromise: it shows it, says what a revocation would do, and orders one."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from service.blast_radius.seeds import ACTOR
from service.console import blast, found_credential, moments, resolved
from service.console.api import Refused
from service.console.blast import ASKED, Radius
from service.console.forms import FormState, refused, untouched
from service.console.found_credential import NOBODYS
from service.console.moments import Mistyped
from service.console.places import page_about
from service.console.resolved import NoneNamed
from service.console.screen import ConsoleVisit
from service.console.submission import submitted
from service.endpoints.imported import SHORTEST_SECRET
from service.grants.closed_values import is_closed
from service.revocation.receipt import RevocationReceipt
from service.values.credential_form import has_credential
from service.values.scopes import OPERATE

Render = Callable[..., Awaitable[Response]]
"""Takes a template, `status` and what the template needs, and returns the page."""


class Origin(Struct, frozen=True, kw_only=True):
    """Something that the reader can choose as the beginning: its label, its id, and what else is said of it."""

    label: str
    id: str
    detail: str = ""
    revoked_at: datetime | None = None


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
    """Carry out the form that stops everything, or the search, which is sent by POST: what somebody pastes must be in no URL."""
    visit = place.visit
    if visit.form.get("do") != "stop":
        return await _find(place)
    asked = {"id": "", **{name: visit.form[name] for name in ("id", "since") if visit.form.get(name)}}

    async def send() -> Response:
        return await _revoked(place, asked, await blast.stopped(visit, asked))

    return await submitted(visit, OPERATE, send, lambda form, status: _page(place, asked, form, status))


async def _find(place: Place) -> Response:
    visit = place.visit
    asked = {name: text for name in ("id", "since") if (text := visit.form.get(name, "").strip())}
    try:
        origin = await _origin(place, asked.get("id", ""), asked.get("since"))
    except NoneNamed as fault:
        form = FormState(values=asked, errors={"id": [visit.gettext(fault.sentence)]})
        return await _shown(place, asked, None, search=form, form=untouched(visit), status=404)
    if isinstance(origin, Response):
        return origin
    found = {**asked, "id": origin}
    if all(is_closed(name, text) for name, text in _sent(visit, found).items()):
        return visit.to(visit.here_with(**found))
    return await _page(place, found, untouched(visit))


def _sent(visit: ConsoleVisit, asked: Mapping[str, str]) -> Mapping[str, str]:
    """Return what the API is asked, or what was typed, if that is no moment."""
    try:
        return moments.sent(visit, asked)
    except Mistyped:
        return asked


async def _origin(place: Place, text: str, since: str | None) -> str | Response:
    """Return the id of what the text names, or the way to the page about the credential that it is. Raises NoneNamed."""
    visit = place.visit
    if place.origins:
        return text
    if "@" in text and not text.startswith(ACTOR):
        return await resolved.user(visit, text)
    if _may_be_credential(text) and (page := await found_credential.led(visit, text, since)) is not None:
        return page
    if is_closed("id", text):
        return text
    if has_credential([text]):
        raise NoneNamed(NOBODYS)
    try:
        return await resolved.client(visit, text)
    except NoneNamed as fault:
        if fault.sentence != resolved.NO_CLIENT:
            raise
        return text


def _may_be_credential(text: str) -> bool:
    """An imported secret may have the form of an id of this server, so an id is asked about, too."""
    return len(text) >= SHORTEST_SECRET or has_credential([text])


async def _revoked(place: Place, asked: Mapping[str, str], receipt: RevocationReceipt) -> Response:
    visit = place.visit
    return await place.render(
        "revoked.html",
        receipt=receipt,
        counts=blast.counts(visit, receipt.follows, receipt),
        origin_name=next(
            (f"{each.label} {each.detail}" for each in place.origins if each.detail and each.id == receipt.origin.id),
            "",
        ),
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
            asked = moments.sent(visit, asked)
            radius = await blast.found(visit, asked, given)
        except Mistyped as fault:
            search, status = FormState(values=asked, errors=fault.errors), 400
        except Refused as fault:
            if fault.problem.status not in (400, 404):
                raise
            search, status = refused(search.values, fault), fault.problem.status
    return await _shown(place, asked, radius, search=search, form=form, status=status)


async def _shown(
    place: Place, asked: Mapping[str, str], radius: Radius | None, *, search: FormState, form: FormState, status: int
) -> Response:
    context: dict[str, Any] = {"search": search, "asked": asked, "radius": radius, "form": form}
    return await place.render(
        "blast_radius.html",
        status=status,
        kinds=_kinds(place.visit, asked, radius),
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
