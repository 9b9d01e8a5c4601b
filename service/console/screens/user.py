"""/console/users/{user_id}: who the user is, what they may do in the console, and what stops or erases them."""

from collections.abc import Mapping

from msgspec import Struct
from starlette.responses import Response

from service.console import changes, user
from service.console.api import Refused
from service.console.forms import FormState, refused, untouched, without_reason
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Crumb, Screen, Tab
from service.console.user import Subject
from service.endpoints.history_schemas import HistoryEntry
from service.problems import NotFound
from service.values.roles import ROLES
from service.values.scopes import OPERATE, USERS_READ, USERS_WRITE

LAST = 8


class Change(Struct, frozen=True):
    """A form of this page: the request that it makes, and what it says when that is done."""

    method: str
    path: tuple[str, ...]
    done: str


CHANGES: Mapping[str, Change] = {
    "disable": Change("POST", ("disable",), N_("The user is disabled, and signed out everywhere.")),
    "enable": Change("POST", ("enable",), N_("The user is enabled, and can sign in again.")),
    "erase": Change("DELETE", (), N_("The user is erased.")),
    **{f"give-{role}": Change("PUT", ("roles", role), N_("The role is given.")) for role in ROLES},
    **{f"take-{role}": Change("DELETE", ("roles", role), N_("The role is taken away.")) for role in ROLES},
}


async def show(visit: ConsoleVisit) -> Response:
    try:
        subject = await user.read(visit)
    except Refused as fault:
        past = await _past(visit) if fault.problem.status == 404 else []
        if not past or past[0].type != "user.erased":
            raise
        return await _erased(visit, past)
    return await _page(visit, subject, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    change = CHANGES.get(visit.form.get("do", ""))
    if change is None:
        raise NotFound("There is no such form on this page.")
    if visit.reason is None:
        return await _page(visit, await user.read(visit), without_reason(visit), 400)
    try:
        await visit.api.send(change.method, user.path(visit, *change.path), reason=visit.reason)
    except Refused as fault:
        if not visit.may(USERS_WRITE):
            raise
        return await _page(visit, await user.read(visit), refused(visit.form, fault), fault.problem.status)
    return visit.to(user.here(visit), visit.gettext(change.done))


async def _past(visit: ConsoleVisit) -> list[HistoryEntry]:
    """Return the last changes; none if there never was such a user."""
    try:
        return (await user.history(visit, most=LAST)).of(list[HistoryEntry])
    except Refused:
        return []


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    return user.page(
        visit,
        subject,
        "user.html",
        status=status,
        form=form,
        roles=ROLES,
        last=await changes.entries(visit, await _past(visit)),
        writes=visit.may(USERS_WRITE),
        operates=visit.may(OPERATE),
    )


async def _erased(visit: ConsoleVisit, past: list[HistoryEntry]) -> Response:
    return visit.page(
        "user_erased.html",
        title=visit.gettext("Erased user"),
        crumbs=[Crumb(visit.gettext("Users"), "/users")],
        user_id=visit.param("user_id"),
        last=await changes.entries(visit, past),
    )


SCREENS = (
    Screen(
        path=user.PATH,
        get=show,
        post=act,
        sensitive=does("erase", *(f"give-{role}" for role in ROLES)),
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=0, label=N_("Profile")),
    ),
)
