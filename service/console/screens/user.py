"""/console/users/{user_id}: who the user is, what they may do in the console, and what stops or erases them."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import histories, user
from service.console.api import Refused
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Crumb, Screen, Tab
from service.console.submission import Change, carried_out
from service.console.user import Subject
from service.values.roles import ROLES
from service.values.scopes import OPERATE, USERS_READ, USERS_WRITE

CHANGES: Mapping[str, Change] = {
    "disable": Change("POST", ("disable",), N_("The user is disabled, and signed out everywhere.")),
    "enable": Change("POST", ("enable",), N_("The user is enabled, and can sign in again.")),
    "erase": Change("DELETE", (), N_("The user is erased.")),
    **{f"give-{role}": Change("PUT", ("roles", role), N_("The role is given.")) for role in ROLES},
    **{f"take-{role}": Change("DELETE", ("roles", role), N_("The role is taken away.")) for role in ROLES},
}


NOT_NAMED = N_("This is not what the label asks for. Nothing was erased.")


async def show(visit: ConsoleVisit) -> Response:
    try:
        subject = await user.read(visit)
    except Refused as fault:
        erased = await histories.end(visit, user.path(visit), "user.erased") if fault.problem.status == 404 else None
        if erased is None:
            raise
        return await _erased(visit)
    return await _page(visit, subject, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    if visit.form.get("do") == "erase" and visit.may(USERS_WRITE):
        subject = await user.read(visit)
        if not _is_named(subject, visit.form.get("confirm", "")):
            fault = {"confirm": [visit.gettext(NOT_NAMED)]}
            return await _page(visit, subject, FormState(values=visit.form, errors=fault), 400)

    async def again(form: FormState, status: int) -> Response:
        return await _page(visit, await user.read(visit), form, status)

    return await carried_out(visit, CHANGES, user.path, USERS_WRITE, again)


def _is_named(subject: Subject, typed: str) -> bool:
    """Whether somebody who erases the user typed whom they mean: the email address, or the ID, in small or capital letters."""
    named = {str(subject.user.id), (subject.user.email or "").casefold()} - {""}
    return typed.strip().casefold() in named


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    return user.page(
        visit,
        subject,
        "user.html",
        status=status,
        form=form,
        roles=ROLES,
        last=await histories.last_changes(visit, user.path(visit)),
        writes=visit.may(USERS_WRITE),
        operates=visit.may(OPERATE),
    )


async def _erased(visit: ConsoleVisit) -> Response:
    return visit.page(
        "user_erased.html",
        title=visit.gettext("Erased user"),
        crumbs=[Crumb(visit.gettext("Users"), "/users")],
        user_id=visit.param("user_id"),
        last=await histories.last_changes(visit, user.path(visit)),
    )


SCREENS = (
    Screen(
        path=user.PATH,
        get=show,
        post=act,
        sensitive=does("enable", "erase", *(f"give-{role}" for role in ROLES)),
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=0, label=N_("Profile")),
    ),
)
