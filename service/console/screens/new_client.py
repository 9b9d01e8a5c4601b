"""/console/new/client: a client in two steps, which end with its secret, shown once, and with programs that use it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.console import authentication_form, made_secret, samples, security_fields, trusted
from service.console.api import BOTS, CLIENTS, Answer
from service.console.forms import FormState, untouched
from service.console.jwks import keys_of, without_refused_keys
from service.console.recent_sign_in import gives_power as gives_scope
from service.console.samples import About
from service.console.screen import ConsoleVisit, Crumb, Screen
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.authentication_fields import BASIC
from service.endpoints.bot_schemas import Bot
from service.endpoints.client_schemas import CreateOAuthClientResponse
from service.endpoints.client_settings import OAuthClient
from service.problems import NotFound
from service.values import typed_lists
from service.values.scopes import BOTS_READ, CLIENTS_WRITE

MOST_BOTS = "200"
KINDS = ("machine", "web", "public")


async def show(visit: ConsoleVisit) -> Response:
    if client_id := visit.query.get("made"):
        return await _made(visit, client_id)
    kind = visit.returned.get("kind") or visit.query.get("kind")
    return _choice(visit) if kind not in KINDS else await _form(visit, kind, untouched(visit))


async def create(visit: ConsoleVisit) -> Response:
    """A form that is sent twice makes one client, by its Idempotency-Key."""
    form, kind = visit.form, visit.form.get("kind", "")
    if kind not in KINDS:
        return _choice(visit)

    async def send() -> Response:
        body, key = _body(kind, form), form.get("key") or None
        made = await visit.api.send("POST", CLIENTS, body, reason=visit.reason, key=key)
        return await _to_its_page(visit, made)

    async def again(wrong: FormState, status: int) -> Response:
        return await _form(visit, kind, wrong, status)

    return await submitted(visit, CLIENTS_WRITE, send, again)


async def _to_its_page(visit: ConsoleVisit, made: Answer) -> Response:
    client = made.of(CreateOAuthClientResponse)
    its_page = visit.at("new", "client", made=client.client_id)
    if client.client_secret is None:
        return visit.to(its_page)
    return await made_secret.to_its_page(visit, its_page, made, client.client_id, client.client_secret)


def _body(kind: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    about: dict[str, Any] = {
        "m2m": kind == "machine",
        "displayName": form.get("displayName", "").strip() or None,
        "scopes": typed_lists.scopes(form.get("scopes", "")) or None,
    }
    about |= _security(kind, form)
    if kind == "machine":
        return {**about, "botUserId": form.get("botUserId", "").strip() or None}
    return {**about, "public": kind == "public", "redirectUris": typed_lists.uris(form.get("redirectUris", ""))}


def _security(kind: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the security settings that are not as usual. A public client does not authenticate."""
    found = {**authentication_form.changed(form)}
    if found.get(authentication_form.METHOD) in authentication_form.KEYS and (jwks := form.get("jwks", "").strip()):
        found["jwks"] = {"keys": keys_of(jwks)}
    return found if kind == "machine" else {**found, **security_fields.body(form), **_pkce(form)}


def _pkce(form: Mapping[str, str]) -> Mapping[str, bool]:
    said = form.get("requirePkce")
    return {"requirePkce": said == "yes"} if said else {}


def gives_power(form: Mapping[str, str]) -> bool:
    return gives_scope(form) or authentication_form.gives_power(authentication_form.changed(form), {})


def _choice(visit: ConsoleVisit) -> Response:
    return visit.page("new_client_kind.html", title=visit.gettext("New client"), crumbs=_crumbs(visit))


async def _form(visit: ConsoleVisit, kind: str, form: FormState, status: int = 200) -> Response:
    form = without_refused_keys(authentication_form.shown(form), "jwks")
    return visit.page(
        "new_client.html",
        title=visit.gettext("New client"),
        crumbs=[*_crumbs(visit), Crumb(visit.gettext("New client"), "/new/client")],
        status=status,
        form=form,
        kind=kind,
        **security_fields.context(visit, form),
        **await trusted.offered(visit),
        operates=visit.access.caller.holder.operates,
        key=form.value("key") or str(new_id()),
        bots=await _bots(visit) if kind == "machine" else [],
    )


async def _bots(visit: ConsoleVisit) -> list[tuple[str, str]]:
    """Return the ids and names of the bots that the person may see, for the field to propose."""
    if not visit.may(BOTS_READ):
        return []
    found = (await visit.api.get(BOTS, limit=MOST_BOTS)).of(list[Bot])
    return [(each.id, each.full_name or each.email or each.id) for each in found if each.state == "active"]


async def _made(visit: ConsoleVisit, client_id: str) -> Response:
    """Show how the new client is used; its secret is there the first time only."""
    if "/" in client_id:
        raise NotFound("There is no such client.")
    client = (await visit.api.get(f"{CLIENTS}/{client_id}")).of(OAuthClient)
    about = About(
        issuer=visit.browser.resources.settings.issuer,
        client_id=client.client_id,
        scopes=client.scopes or ["api:public"],
        redirect_uri=client.redirect_uris[0] if client.redirect_uris else "",
        public=client.public is True,
    )
    secret = await made_secret.take(visit, client.client_id)
    page = visit.page(
        "client_made.html",
        title=client.display_name or visit.gettext("New client"),
        crumbs=_crumbs(visit),
        client=client,
        secret=secret,
        by_secret=client.token_endpoint_auth_method == BASIC,
        samples=samples.of_machine(about) if client.m2m else samples.of_login(about),
        variable=samples.SECRET,
    )
    return made_secret.forget(visit, page) if secret else page


def _crumbs(visit: ConsoleVisit) -> list[Crumb]:
    return [Crumb(visit.gettext("Clients"), "/clients")]


SCREENS = (
    Screen(path="/new/client", get=show, post=create, sensitive=gives_power, below="/clients", needs=CLIENTS_WRITE),
)
