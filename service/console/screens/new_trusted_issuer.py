"""/console/new/trusted-issuer: another server whose signed tokens are accepted."""

from starlette.responses import Response

from service.console import issuer_subject
from service.console.forms import FormState
from service.console.jwks import without_refused_keys
from service.console.recent_sign_in import always
from service.console.screen import ConsoleVisit, Screen
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.trusted_issuer_schemas import TrustedIssuer
from service.endpoints.trusted_issuers import PATH
from service.values.scopes import OPERATE


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, FormState(values=visit.returned or issuer_subject.USUAL))


async def create(visit: ConsoleVisit) -> Response:
    async def send() -> Response:
        body = {"issuer": visit.form.get("issuer", "").strip(), **issuer_subject.body(visit.form)}
        made = await visit.api.send("POST", PATH, body, reason=visit.reason, key=visit.form.get("key") or None)
        return visit.to(
            visit.at("trusted-issuers", made.of(TrustedIssuer).id), visit.gettext("The issuer is trusted from now on.")
        )

    return await submitted(visit, OPERATE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    return visit.page(
        "new_trusted_issuer.html",
        title=visit.gettext("New trusted issuer"),
        crumbs=issuer_subject.crumbs_of(visit),
        status=status,
        form=without_refused_keys(form, "jwks"),
        key=form.value("key") or str(new_id()),
        **issuer_subject.choices(visit),
    )


SCREENS = (
    Screen(
        path="/new/trusted-issuer", get=show, post=create, sensitive=always, below="/trusted-issuers", needs=OPERATE
    ),
)
