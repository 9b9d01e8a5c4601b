"""/console/sessions: where people are signed in, latest first, and the end of any of these sessions."""

from starlette.responses import Response

from service.console import paging, sessions
from service.console.api import USERS
from service.console.forms import UNTOUCHED, FormState
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.console.submission import submitted
from service.endpoints.user_sessions import PATH, Session
from service.problems import NotFound
from service.values.scopes import USERS_READ, USERS_WRITE
from service.values.uuids import is_uuid

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, UNTOUCHED)


async def act(visit: ConsoleVisit) -> Response:
    """A form names the session and its user; the API checks that they belong together."""
    session, user = visit.form.get("do", "").removeprefix("end-"), visit.form.get("user", "")
    if not is_uuid(session) or not is_uuid(user):
        raise NotFound("There is no such form on this page.")

    async def send() -> Response:
        await visit.api.send("DELETE", f"{USERS}/{user}/sessions/{session}", reason=visit.reason)
        return visit.to(paging.here(visit), visit.gettext("The session is ended."))

    return await submitted(visit, USERS_WRITE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    found = await visit.api.get(PATH, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "sessions.html",
        title=visit.gettext("Sessions"),
        status=status,
        form=form,
        sessions=[(each, sessions.shown(visit, each)) for each in found.of(list[Session])],
        action=paging.here(visit),
        writes=visit.may(USERS_WRITE),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/sessions",
        get=show,
        post=act,
        needs=USERS_READ,
        link=Link(group="directory", order=40, label=N_("Sessions"), icon="sessions"),
    ),
)
