"""/console/apis/{api_id}/edit: the settings of an API."""

from starlette.responses import Response

from service.console import api_subject
from service.console.api_subject import Subject
from service.console.forms import FormState
from service.console.recent_sign_in import always
from service.console.screen import ConsoleVisit, Screen
from service.console.submission import submitted
from service.values.scopes import OPERATE


async def show(visit: ConsoleVisit) -> Response:
    """A form that comes back keeps the version that the person saw, so that a change by somebody else is still noticed."""
    subject, returned = await api_subject.read(visit), visit.returned
    shown = subject.__replace__(version=returned.get("version", subject.version))
    return await _page(visit, shown, FormState(values=returned or api_subject.values(subject.api)))


async def save(visit: ConsoleVisit) -> Response:
    subject, version = await api_subject.read(visit), visit.form.get("version", "")

    async def send() -> Response:
        body = api_subject.body(visit.form)
        await visit.api.send("PATCH", api_subject.path(visit), body, reason=visit.reason, if_match=version)
        return visit.to(visit.at("apis", visit.param("api_id")), visit.gettext("The API is changed."))

    async def again(form: FormState, status: int) -> Response:
        return await _page(visit, subject.__replace__(version=version), form, status)

    return await submitted(visit, OPERATE, send, again)


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    return api_subject.page(visit, subject, "api_edit.html", title=visit.gettext("Edit"), status=status, form=form)


SCREENS = (Screen(path=f"{api_subject.PATH}/edit", get=show, post=save, sensitive=always, needs=OPERATE),)
