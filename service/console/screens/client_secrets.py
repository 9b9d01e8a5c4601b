"""/console/clients/{client_id}/secrets: which secrets a client has, and their rotation without an outage."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.clock import utc_now
from service.console import client, lifetimes, made_secret, past_secrets
from service.console.client import Subject
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Screen, Tab
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.secret_schemas import AddSecretResponse, ClientSecret
from service.problems import NotFound
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE


async def show(visit: ConsoleVisit) -> Response:
    if secret := await made_secret.take(visit, visit.param("client_id")):
        found = (await visit.api.get(client.path(visit, "secrets"))).of(list[ClientSecret])
        page = client.page(
            visit, await client.read(visit), "secret_made.html", secret=secret, has_others=len(found) > 1
        )
        return made_secret.forget(visit, page)
    return await _page(visit, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    return await submitted(visit, CLIENTS_WRITE, lambda: _send(visit), lambda form, status: _page(visit, form, status))


async def _send(visit: ConsoleVisit) -> Response:
    """Raises Refused."""
    do = visit.form.get("do", "")
    if do == "add":
        return await _add(visit)
    if not do.startswith("revoke-"):
        raise NotFound("There is no such form on this page.")
    await visit.api.send("DELETE", client.path(visit, "secrets", do.removeprefix("revoke-")), reason=visit.reason)
    return visit.to(visit.here, visit.gettext("The secret is revoked. Nobody gets a token with it any more."))


async def _add(visit: ConsoleVisit) -> Response:
    """Raises Refused."""
    made = await visit.api.send(
        "POST",
        client.path(visit, "secrets"),
        _body(visit.form),
        reason=visit.reason,
        key=visit.form.get("key") or None,
    )
    secret = made.of(AddSecretResponse).client_secret
    return await made_secret.to_its_page(visit, visit.here, made, visit.param("client_id"), secret)


def _body(form: Mapping[str, str]) -> Mapping[str, Any]:
    name = form.get("name", "").strip()
    return {**({"name": name} if name else {}), **lifetimes.expiry(form), **lifetimes.expiry_of_others(form)}


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    subject: Subject = await client.read(visit)
    found = await visit.api.get(client.path(visit, "secrets"))
    return client.page(
        visit,
        subject,
        "client_secrets.html",
        status=status,
        form=form,
        secrets=found.of(list[ClientSecret]),
        former=await past_secrets.of_client(visit, visit.param("client_id")),
        now=utc_now(),
        key=form.value("key") or str(new_id()),
        since=form.value("since") or utc_now().isoformat(),
        lifetimes=lifetimes.LIFETIMES,
        overlaps=lifetimes.OVERLAPS,
        writes=visit.may(CLIENTS_WRITE),
    )


SCREENS = (
    Screen(
        path=f"{client.PATH}/secrets",
        get=show,
        post=act,
        sensitive=does("add"),
        needs=CLIENTS_READ,
        tab=Tab(of=client.PATH, order=10, label=N_("Secrets")),
    ),
)
