"""/console/users/{user_id}/sessions: where the user is signed in, and the end of one session or of all."""

from starlette.responses import Response

from service.console import paging, sessions, user
from service.console.forms import UNTOUCHED, FormState
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.console.submission import submitted
from service.endpoints.user_sessions import UserSession
from service.problems import NotFound
from service.values.scopes import USERS_READ, USERS_WRITE
from service.values.uuids import is_uuid

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, UNTOUCHED)


async def act(visit: ConsoleVisit) -> Response:
    do = visit.form.get("do", "")
    one = do.removeprefix("end-")
    if do != "end-all" and not (do.startswith("end-") and is_uuid(one)):
        raise NotFound("There is no such form on this page.")

    async def send() -> Response:
        await visit.api.send(
            "DELETE", user.path(visit, "sessions", *([] if do == "end-all" else [one])), reason=visit.reason
        )
        done = N_("All sessions are ended.") if do == "end-all" else N_("The session is ended.")
        return visit.to(paging.here(visit), visit.gettext(done))

    return await submitted(visit, USERS_WRITE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    subject = await user.read(visit)
    found = await visit.api.get(user.path(visit, "sessions"), limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return user.page(
        visit,
        subject,
        "user_sessions.html",
        status=status,
        form=form,
        sessions=[sessions.shown(visit, each) for each in found.of(list[UserSession])],
        action=paging.here(visit),
        writes=visit.may(USERS_WRITE),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path=f"{user.PATH}/sessions",
        get=show,
        post=act,
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=10, label=N_("Sessions")),
    ),
)
