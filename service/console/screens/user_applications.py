"""/console/users/{user_id}/applications: which clients may use the account, by a consent or a sign-in, and their withdrawal."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, Struct
from starlette.responses import Response

from service.console import user
from service.console.forms import UNTOUCHED, FormState
from service.console.language import N_
from service.console.names import Names
from service.console.screen import ConsoleVisit, Screen, Tab
from service.console.submission import submitted
from service.endpoints import grants
from service.endpoints.grant_schemas import Consent, Grant, GrantDevice
from service.pages import devices
from service.problems import NotFound
from service.values.scopes import USERS_READ, USERS_WRITE

MOST = 200
"""Consents and grants that the page reads; it says so if there are more."""


class Application(Struct, frozen=True, kw_only=True):
    """A client that may use the account. `grants` are the sign-ins from which it still gets tokens, `devices` those on devices."""

    client_id: str
    name: str
    scopes: list[str]
    consented: bool
    grants: int
    asserted_by: list[str]
    since: datetime | None
    used: datetime | None
    devices: list[str]


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, UNTOUCHED)


async def act(visit: ConsoleVisit) -> Response:
    do = visit.form.get("do", "")
    if not do.startswith("withdraw-"):
        raise NotFound("There is no such form on this page.")

    async def send() -> Response:
        path = user.path(visit, "consents", do.removeprefix("withdraw-"))
        await visit.api.send("DELETE", path, reason=visit.reason)
        return visit.to(visit.here, visit.gettext("The access is withdrawn. Its tokens stopped working."))

    return await submitted(visit, USERS_WRITE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    subject = await user.read(visit)
    query = {"userId": visit.param("user_id"), "limit": str(MOST)}
    given = await visit.api.get(grants.CONSENTS, state="given", **query)
    granted = await visit.api.get(grants.GRANTS, state="active", **query)
    return user.page(
        visit,
        subject,
        "user_applications.html",
        status=status,
        form=form,
        applications=await _applications(visit, given.of(list[Consent]), granted.of(list[Grant])),
        more=given.following is not None or granted.following is not None,
        writes=visit.may(USERS_WRITE),
    )


async def _applications(visit: ConsoleVisit, given: Sequence[Consent], granted: Sequence[Grant]) -> list[Application]:
    ids = list(dict.fromkeys(each.client_id for each in (*given, *granted)))
    names = Names(visit)
    await names.learn(("client", each) for each in ids)
    return [
        _application(
            client_id,
            names.of(("client", client_id)),
            [each for each in given if each.client_id == client_id],
            [each for each in granted if each.client_id == client_id],
        )
        for client_id in ids
    ]


def _application(client_id: str, name: str, given: Sequence[Consent], granted: Sequence[Grant]) -> Application:
    begun = [*(each.given_utc for each in given), *(each.granted_utc for each in granted if each.granted_utc)]
    used = [each.last_used_utc for each in granted if each.last_used_utc is not UNSET and each.last_used_utc]
    return Application(
        client_id=client_id,
        name=name,
        scopes=list(dict.fromkeys(scope for each in (*given, *granted) for scope in each.scopes)),
        consented=bool(given),
        grants=len(granted),
        asserted_by=list(dict.fromkeys(each.asserted_by for each in granted if each.asserted_by)),
        since=min(begun, default=None),
        used=max(used, default=None),
        devices=[_device(each.device) for each in granted if each.device is not UNSET],
    )


def _device(device: GrantDevice) -> str:
    return " · ".join(filter(None, (devices.named(device.user_agent), device.address)))


SCREENS = (
    Screen(
        path=f"{user.PATH}/applications",
        get=show,
        post=act,
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=20, label=N_("Applications")),
    ),
)
