"""/console/new/api: an API that tokens can be for."""

from starlette.responses import Response

from service.console import api_subject
from service.console.api import APIS
from service.console.forms import FormState, untouched
from service.console.recent_sign_in import always
from service.console.screen import ConsoleVisit, Crumb, Screen
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.api_schemas import Api
from service.values.scopes import OPERATE


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, untouched(visit))


async def create(visit: ConsoleVisit) -> Response:
    async def send() -> Response:
        body = {"identifier": visit.form.get("identifier", "").strip(), **api_subject.body(visit.form)}
        made = await visit.api.send("POST", APIS, body, reason=visit.reason, key=visit.form.get("key") or None)
        said = visit.gettext("The API is registered. Grant it to clients now.")
        return visit.to(visit.at("apis", made.of(Api).id), said)

    return await submitted(visit, OPERATE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    return visit.page(
        "new_api.html",
        title=visit.gettext("New API"),
        crumbs=[Crumb(visit.gettext("APIs"), "/apis")],
        status=status,
        form=form,
        key=form.value("key") or str(new_id()),
    )


SCREENS = (Screen(path="/new/api", get=show, post=create, sensitive=always, below="/apis", needs=OPERATE),)
