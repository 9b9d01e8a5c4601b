"""/console/trusted-issuers/{issuer_id}/edit: what is accepted of the issuer."""

from starlette.responses import Response

from service.console import issuer_subject
from service.console.forms import FormState
from service.console.issuer_subject import Subject
from service.console.jwks import without_refused_keys
from service.console.recent_sign_in import always
from service.console.screen import ConsoleVisit, Screen
from service.console.submission import submitted
from service.values.scopes import OPERATE


async def show(visit: ConsoleVisit) -> Response:
    """A form that comes back keeps the version that the person saw, so that a change by somebody else is still noticed."""
    subject, returned = await issuer_subject.read(visit), visit.returned
    shown = subject.__replace__(version=returned.get("version", subject.version))
    return await _page(visit, shown, FormState(values=returned or issuer_subject.values(subject.issuer)))


async def save(visit: ConsoleVisit) -> Response:
    subject, version = await issuer_subject.read(visit), visit.form.get("version", "")

    async def send() -> Response:
        body = issuer_subject.body(visit.form)
        await visit.api.send("PATCH", issuer_subject.path(visit), body, reason=visit.reason, if_match=version)
        return visit.to(visit.at("trusted-issuers", visit.param("issuer_id")), visit.gettext("The issuer is changed."))

    async def again(form: FormState, status: int) -> Response:
        return await _page(visit, subject.__replace__(version=version), form, status)

    return await submitted(visit, OPERATE, send, again)


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    return issuer_subject.page(
        visit,
        subject,
        "trusted_issuer_edit.html",
        title=visit.gettext("Edit"),
        status=status,
        form=without_refused_keys(form, "jwks"),
        **issuer_subject.choices(visit),
    )


SCREENS = (Screen(path=f"{issuer_subject.PATH}/edit", get=show, post=save, sensitive=always, needs=OPERATE),)
