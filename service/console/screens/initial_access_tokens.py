"""/console/initial-access-tokens: the tokens with which clients register themselves: how often each was used; new ones, each shown once."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.clock import utc_now
from service.console import lifetimes, made_secret, paging
from service.console.forms import FormState, number, untouched
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Link, Screen
from service.console.screens.initial_access_token import TITLE
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.initial_access_tokens import PATH
from service.endpoints.initial_token_schemas import MOST_USES, CreateInitialAccessTokenResponse, InitialAccessToken
from service.problems import NotFound
from service.values import typed_lists
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

PAGE_SIZE = "50"
SHOWN = N_("The token was shown before, and is shown only once. If nobody copied it, create another one.")
NEW = "an initial access token"
"""In place of the client, of which a secret is kept until a page has shown it."""


async def show(visit: ConsoleVisit) -> Response:
    if token := await made_secret.take(visit, NEW):
        return made_secret.forget(visit, await _page(visit, untouched(visit), token=token))
    return await _page(visit, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    return await submitted(visit, CLIENTS_WRITE, lambda: _send(visit), lambda form, status: _page(visit, form, status))


async def _send(visit: ConsoleVisit) -> Response:
    """Raises Refused."""
    do = visit.form.get("do", "")
    if do == "create":
        made = await visit.api.send(
            "POST", PATH, _body(visit.form), reason=visit.reason, key=visit.form.get("key") or None
        )
        token = made.of(CreateInitialAccessTokenResponse).token
        return await made_secret.to_its_page(visit, visit.here, made, NEW, token, again=SHOWN)
    if not do.startswith("revoke-"):
        raise NotFound("There is no such form on this page.")
    await visit.api.send("DELETE", f"{PATH}/{do.removeprefix('revoke-')}", reason=visit.reason)
    return visit.to(paging.here(visit), visit.gettext("The token is revoked. No client registers with it any more."))


def _body(form: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "name": form.get("name", "").strip(),
        "scopes": typed_lists.scopes(form.get("scopes", "")),
        "machineClients": form.get("machineClients") == "true",
        "uses": number(form.get("uses", ""), len(str(MOST_USES))),
        **lifetimes.expiry(form),
    }


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200, *, token: str = "") -> Response:
    found = await visit.api.get(PATH, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "initial_access_tokens.html",
        title=visit.gettext(TITLE),
        status=status,
        tokens=found.of(list[InitialAccessToken]),
        token_made=token,
        form=form,
        action=paging.here(visit),
        key=form.value("key") or str(new_id()),
        since=form.value("since") or utc_now().isoformat(),
        lifetimes=lifetimes.LIFETIMES,
        now=utc_now(),
        writes=visit.may(CLIENTS_WRITE),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/initial-access-tokens",
        get=show,
        post=act,
        sensitive=does("create"),
        needs=CLIENTS_READ,
        link=Link(group="directory", order=18, label=TITLE, icon="tokens"),
    ),
)
