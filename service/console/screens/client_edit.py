"""/console/clients/{client_id}/edit: the settings of a client. If somebody else changed it meanwhile, the page shows what."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET, Struct
from starlette.responses import Response

from service.console import (
    api_subject,
    authentication_form,
    changes,
    client,
    histories,
    recent_sign_in,
    security_fields,
    trusted,
)
from service.console.client import Subject
from service.console.forms import FormState
from service.console.recent_sign_in import gives_power
from service.console.screen import ConsoleVisit, Screen
from service.console.submission import submitted
from service.endpoints.client_settings import OAuthClient
from service.values import typed_lists
from service.values.scopes import CLIENTS_WRITE

PKCE: Mapping[str, bool | None] = {"": None, "yes": True, "no": False}
MOST_SINCE = 20
CHANGED_MEANWHILE = 412
LISTS: Mapping[str, Callable[[str], list[str]]] = {
    "redirectUris": typed_lists.uris,
    "scopes": typed_lists.scopes,
    "postLogoutRedirectUris": typed_lists.uris,
}


async def show(visit: ConsoleVisit) -> Response:
    """A form that comes back keeps the version that the person saw, so that a change by somebody else is still noticed."""
    subject, returned = await client.read(visit), visit.returned
    shown = subject.__replace__(version=returned.get("version", subject.version))
    return await _page(visit, shown, FormState(values=returned or _values(subject.client)))


async def save(visit: ConsoleVisit) -> Response:
    form, version = visit.form, visit.form.get("version", "")
    subject = await client.read(visit)

    body = _body(subject.client, form)
    if gives_power_over(subject.client, form) and not visit.access.is_recent:
        return await recent_sign_in.ask(visit)

    async def send() -> Response:
        await visit.api.send("PATCH", client.path(visit), body, reason=visit.reason, if_match=version)
        return visit.to(visit.at("clients", visit.param("client_id")), visit.gettext("The client is changed."))

    async def again(wrong: FormState, status: int) -> Response:
        stale = status == CHANGED_MEANWHILE
        shown = subject if stale else subject.__replace__(version=version)
        return await _page(visit, shown, wrong, status, since=version if stale else "")

    return await submitted(visit, CLIENTS_WRITE, send, again)


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200, since: str = "") -> Response:
    """`since` is the version that the person saw, if it is no longer the current one: then the form holds what they typed."""
    form = authentication_form.shown(form)
    return client.page(
        visit,
        subject,
        "client_edit.html",
        title=visit.gettext("Edit"),
        status=status,
        form=form,
        meanwhile=await _meanwhile(visit, since) if since else [],
        stale=bool(since),
        conflicts=_conflicts(subject.client, form) if since else [],
        **await trusted.offered(visit),
        **security_fields.context(visit, form),
        keys=visit.at("clients", subject.client.client_id, "keys"),
        operates=visit.access.caller.holder.operates,
    )


class Conflict(Struct, frozen=True, kw_only=True):
    field: str
    theirs: str
    yours: str


def _conflicts(shown: OAuthClient, form: FormState) -> list[Conflict]:
    """Return the fields of the form that are not as the client is now."""
    return [
        Conflict(field=name, theirs=theirs, yours=form.value(name))
        for name, theirs in _values(shown).items()
        if name in form.values and form.value(name).split() != theirs.split()
    ]


async def _meanwhile(visit: ConsoleVisit, since: str) -> list[changes.Entry]:
    seen = int(digits) if (digits := since.strip('"')).isascii() and digits.isdigit() and len(digits) < 10 else 0
    found = await histories.newest(visit, client.path(visit), MOST_SINCE)
    return await changes.entries(visit, [each for each in found if each.version > seen])


def _values(shown: OAuthClient) -> Mapping[str, str]:
    pkce = next((name for name, value in PKCE.items() if value == shown.require_pkce), "")
    return {
        "displayName": shown.display_name or "",
        "redirectUris": "\n".join(shown.redirect_uris),
        "scopes": "\n".join(shown.scopes),
        "apis": api_subject.grants_as_text(shown.apis),
        "requirePkce": pkce,
        "firstParty": "yes" if shown.first_party is True else "",
        "postLogoutRedirectUris": "\n".join(shown.post_logout_redirect_uris or ()),
        "backchannelLogoutUri": shown.backchannel_logout_uri or "",
        **security_fields.values(shown),
        **authentication_form.values(shown),
    }


def _body(shown: OAuthClient, form: Mapping[str, str]) -> Mapping[str, Any]:
    """What the metadata document of a client decides is not in its form, and is not sent."""
    of_any: dict[str, Any] = {
        **_changed_lists(shown, form),
        **_changed_apis(shown, form),
        **authentication_form.changed(form, authentication_form.values(shown)),
    }
    if shown.metadata_document is not UNSET:
        return {**of_any, **security_fields.body(form)}
    about = {"displayName": form.get("displayName", "").strip() or None, **of_any}
    if shown.m2m:
        return about
    return {
        **about,
        "requirePkce": PKCE.get(form.get("requirePkce", "")),
        "firstParty": form.get("firstParty") == "yes",
        "backchannelLogoutUri": form.get("backchannelLogoutUri", "").strip() or None,
        **security_fields.body(form),
    }


def gives_power_over(shown: OAuthClient, form: Mapping[str, str]) -> bool:
    """Return whether the form changes settings of the client that need a recent sign-in. `gives_power` is about its scopes."""
    return authentication_form.gives_power(_body(shown, form), _usual(shown))


def _usual(shown: OAuthClient) -> Mapping[str, Any]:
    """Return the settings of the client that can give power, as a form says them that changes none."""
    found = _values(shown)
    return {
        **authentication_form.said(found),
        **security_fields.body(found),
        "redirectUris": shown.redirect_uris,
        "requirePkce": PKCE[found["requirePkce"]],
        "firstParty": found["firstParty"] == "yes",
    }


def _changed_apis(shown: OAuthClient, form: Mapping[str, str]) -> Mapping[str, Any]:
    given, usual = form.get("apis"), api_subject.grants_as_text(shown.apis)
    return {} if given is None or given.split() == usual.split() else {"apis": api_subject.grants_of(given)}


def _changed_lists(shown: OAuthClient, form: Mapping[str, str]) -> Mapping[str, list[str]]:
    """Return the lists that the person changed: an older item with a comma would not be read as it was written.

    A list that the form does not have is not changed, so that no form without scopes escapes `gives_power`.
    """
    usual = _values(shown)
    of_kind = {name: read for name, read in LISTS.items() if name != "postLogoutRedirectUris" or not shown.m2m}
    return {
        name: read(form[name])
        for name, read in of_kind.items()
        if name in form and form[name].split() != usual[name].split()
    }


SCREENS = (Screen(path=f"{client.PATH}/edit", get=show, post=save, sensitive=gives_power, needs=CLIENTS_WRITE),)
