"""Changes that need a recent sign-in: those that cannot be undone or reach far, and those that give power.

A browser that somebody left open is then not enough for them. /account/security has the same rule.
"""

from collections.abc import Callable

from starlette.responses import Response

from service.console import kept_form, sign_in
from service.console.forms import UNTOUCHED
from service.console.screen import ConsoleVisit
from service.pages.browser import Form
from service.values import typed_lists
from service.values.roles import ROLES
from service.values.scopes import INTROSPECT, MANAGEMENT


def always(_form: Form) -> bool:
    return True


def does(*changes: str) -> Callable[[Form], bool]:
    """Return whether a form is one of these, by its `do`."""
    return lambda form: form.get("do") in changes


def gives_power(form: Form) -> bool:
    """Return whether a client would get a scope of the management API, whose tokens make every change without this page, or one
    to introspect the tokens of others.
    """
    scopes = typed_lists.scopes(form.get("scopes", ""))
    return any(scope in MANAGEMENT or scope.startswith(INTROSPECT) for scope in scopes)


def gives_role(form: Form) -> bool:
    return form.get("role") in ROLES


async def ask(visit: ConsoleVisit) -> Response:
    """Redirect to a sign-in of the same person, after which the page has the form as it was. Raises NotOurs, Unavailable.

    A form that is too long for that waits in a page, which sends it again.
    """
    kept = kept_form.sealed(visit.browser, visit.access.user)
    if kept is None:
        return visit.page(
            "send_again.html",
            title=visit.gettext("Sign in again"),
            status=403,
            fields=kept_form.fields_of(visit.form),
            lacks_password=kept_form.has_password(visit.form),
            form=UNTOUCHED,
        )
    response = await sign_in.begin(visit.browser, visit.here, again=visit.access.user)
    kept_form.keep(visit.browser, response, kept)
    return response
