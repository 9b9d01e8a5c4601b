"""/console/clients/{client_id}/keys: which public keys a client has, and their rotation without an outage."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.clock import utc_now
from service.console import client, lifetimes
from service.console.forms import FormState, untouched
from service.console.jwks import keys_of, without_refused_keys
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Screen, Tab
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.key_schemas import ClientKey
from service.problems import NotFound
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

LIFETIMES = ("", "90", "180", "365", "730")
"""In days; "" is for ever."""


async def show(visit: ConsoleVisit) -> Response:
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
    await visit.api.send("DELETE", client.path(visit, "keys", do.removeprefix("revoke-")), reason=visit.reason)
    return visit.to(visit.here, visit.gettext("The key is revoked. What it signs is not accepted any more."))


async def _add(visit: ConsoleVisit) -> Response:
    """Add each key of a set, one request a key: the form that is sent again adds none twice. Raises Refused."""
    form, key = visit.form, visit.form.get("key", "")
    for number, jwk in enumerate(keys_of(form.get("jwk", ""))):
        body = {"jwk": jwk, **_terms(form, first=number == 0)}
        once = f"{key}-{number}" if key else None
        await visit.api.send("POST", client.path(visit, "keys"), body, reason=visit.reason, key=once)
    return visit.to(
        visit.here, visit.gettext("The key is added. Let the program sign with it, then revoke the old one.")
    )


def _terms(form: Mapping[str, str], *, first: bool) -> Mapping[str, Any]:
    """Only the first key of a set ends the others."""
    name = form.get("name", "").strip()
    return {
        **({"name": name} if name else {}),
        **lifetimes.expiry(form, LIFETIMES),
        **(lifetimes.expiry_of_others(form) if first else {}),
    }


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    subject = await client.read(visit)
    found = await visit.api.get(client.path(visit, "keys"))
    return client.page(
        visit,
        subject,
        "client_keys.html",
        status=status,
        form=without_refused_keys(form, "jwk"),
        keys=found.of(list[ClientKey]),
        now=utc_now(),
        key=form.value("key") or str(new_id()),
        since=form.value("since") or utc_now().isoformat(),
        lifetimes=LIFETIMES,
        overlaps=lifetimes.OVERLAPS,
        writes=visit.may(CLIENTS_WRITE),
    )


SCREENS = (
    Screen(
        path=f"{client.PATH}/keys",
        get=show,
        post=act,
        sensitive=does("add"),
        needs=CLIENTS_READ,
        tab=Tab(of=client.PATH, order=11, label=N_("Keys")),
    ),
)
