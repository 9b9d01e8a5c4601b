"""/console/users: who can sign in. A person is found by their whole address, because addresses are encrypted."""

from starlette.responses import Response

from service.console import paging
from service.console.api import USERS, Refused
from service.console.forms import UNTOUCHED, FormState
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.user_schemas import User
from service.values.scopes import USERS_READ, USERS_WRITE
from service.values.uuids import is_uuid

PAGE_SIZE = "50"
NOBODY = N_("Nobody has this address or ID. The address must be complete: addresses are encrypted.")


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, UNTOUCHED)


async def find(visit: ConsoleVisit) -> Response:
    """The address is sent in a form and answered by a redirect, so that it is in no URL."""
    who = visit.form.get("email", "").strip()
    user = await _found(visit, who)
    if user is not None:
        return visit.to(visit.at("users", user))
    fault = {"email": [visit.gettext(NOBODY)]}
    return await _page(visit, FormState(values=visit.form, errors=fault), 404)


async def _found(visit: ConsoleVisit, who: str) -> str | None:
    try:
        if is_uuid(who):
            return str((await visit.api.get(f"{USERS}/{who}")).of(User).id)
        found = (await visit.api.get(USERS, email=who)).of(list[User])
    except Refused as fault:
        if fault.problem.status not in (400, 404):
            raise
        return None
    return str(found[0].id) if found else None


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    state = visit.query.get("state")
    found = await visit.api.get(USERS, limit=PAGE_SIZE, cursor=visit.query.get("cursor"), state=state)
    return visit.page(
        "users.html",
        title=visit.gettext("Users"),
        status=status,
        form=form,
        users=found.of(list[User]),
        state_chosen=state or "",
        creates=visit.may(USERS_WRITE),
        **paging.neighbours(visit, found, state=state),
    )


SCREENS = (
    Screen(
        path="/users",
        get=show,
        post=find,
        needs=USERS_READ,
        link=Link(group="directory", order=30, label=N_("Users"), icon="users"),
    ),
)
