"""/console/new/user: a person who can sign in, with a role in the console if they need one."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.console.api import USERS, Refused
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.recent_sign_in import gives_role
from service.console.screen import ConsoleVisit, Crumb, Screen
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.user_schemas import User
from service.people.passwords import LEAST, MOST
from service.values.roles import ROLES
from service.values.scopes import OPERATE, USERS_WRITE

FIELDS = ("email", "name")
DONE = N_("The user is created, and can sign in with the password.")
DONE_UPSTREAM = N_("The user is created. Without a password, they can sign in only through the upstream provider.")
NO_ROLE = N_("The user is created, but not with the role: %(why)s")


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, untouched(visit))


async def create(visit: ConsoleVisit) -> Response:
    """A form that is sent twice creates one user, by its Idempotency-Key."""

    async def send() -> Response:
        body, key = _body(visit.form), visit.form.get("key") or None
        made = await visit.api.send("POST", USERS, body, reason=visit.reason, key=key)
        return await _with_role(visit, str(made.of(User).id))

    return await submitted(visit, USERS_WRITE, send, lambda form, status: _page(visit, form, status))


async def _with_role(visit: ConsoleVisit, user: str) -> Response:
    """Give the role, if one was chosen. Without it the user is there all the same."""
    form, its_page = visit.form, visit.at("users", user)
    if form.get("role") in ROLES:
        try:
            await visit.api.send("PUT", f"{USERS}/{user}/roles/{form['role']}", reason=visit.reason)
        except Refused as fault:
            return visit.to(its_page, visit.gettext(NO_ROLE) % {"why": fault.problem.detail}, "bad")
    return visit.to(its_page, visit.gettext(DONE if form.get("password") else DONE_UPSTREAM))


def _body(form: Mapping[str, str]) -> Mapping[str, Any]:
    """A password is sent as it was typed: blanks are part of it."""
    given = {name: form.get(name, "").strip() for name in FIELDS}
    said = {name: text for name, text in given.items() if text or name == "email"}
    told = {"emailVerified": True} if form.get("emailVerified") == "yes" else {}
    return {**said, **told, **({"password": form["password"]} if form.get("password") else {})}


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    return visit.page(
        "new_user.html",
        title=visit.gettext("New user"),
        crumbs=[Crumb(visit.gettext("Users"), "/users")],
        status=status,
        form=form,
        key=form.value("key") or str(new_id()),
        least=LEAST,
        most=MOST,
        gives=visit.may(OPERATE),
    )


SCREENS = (Screen(path="/new/user", get=show, post=create, sensitive=gives_role, below="/users", needs=USERS_WRITE),)
