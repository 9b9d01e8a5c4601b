"""/console/new/user: a person who can sign in, with a role in the console if they need one."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.console.api import USERS, Refused
from service.console.forms import UNTOUCHED, FormState, refused, without_reason
from service.console.language import N_
from service.console.screen import ConsoleVisit, Crumb, Screen
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
    return _page(visit, UNTOUCHED)


async def create(visit: ConsoleVisit) -> Response:
    """A form that is sent twice creates one user, by its Idempotency-Key."""
    form = visit.form
    if visit.reason is None:
        return _page(visit, without_reason(visit), 400)
    try:
        made = await visit.api.send("POST", USERS, _body(form), reason=visit.reason, key=form.get("key") or None)
    except Refused as fault:
        return _page(visit, refused(form, fault), fault.problem.status)
    user = str(made.of(User).id)
    if form.get("role") in ROLES:
        try:
            await visit.api.send("PUT", f"{USERS}/{user}/roles/{form['role']}", reason=visit.reason)
        except Refused as fault:
            said = visit.gettext(NO_ROLE) % {"why": fault.problem.detail}
            return visit.to(visit.at("users", user), said, "bad")
    return visit.to(visit.at("users", user), visit.gettext(DONE if form.get("password") else DONE_UPSTREAM))


def _body(form: Mapping[str, str]) -> Mapping[str, Any]:
    """A password is sent as it was typed: blanks are part of it."""
    given = {name: form.get(name, "").strip() for name in FIELDS}
    said = {name: text for name, text in given.items() if text or name == "email"}
    told = {"emailVerified": True} if form.get("emailVerified") == "yes" else {}
    return {**said, **told, **({"password": form["password"]} if form.get("password") else {})}


def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
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


SCREENS = (Screen(path="/new/user", get=show, post=create, needs=USERS_WRITE),)
