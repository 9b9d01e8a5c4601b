"""/console/device-authorizations: the devices that asked to sign somebody in, latest first, and who answered."""

from collections.abc import Mapping

from msgspec import Struct
from starlette.responses import Response

from projections.device_authorizations import STATES
from service.console import feeds, filters, resolved
from service.console.feeds import Search
from service.console.filters import Resolve
from service.console.language import N_
from service.console.names import Names
from service.console.places import page_about, page_of_client
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.device_authorizations import PATH, DeviceAuthorization
from service.values.scopes import AUDIT_READ

BY_NAME: Mapping[str, Resolve] = {"clientId": resolved.client, "userId": filters.user}
FILTERS = (*BY_NAME, "state")


class Row(Struct, frozen=True, kw_only=True):
    """The client and the user by name, with the pages about them; "" where there is none."""

    device: DeviceAuthorization
    client: str
    client_url: str
    user: str
    user_url: str


async def show(visit: ConsoleVisit) -> Response:
    if filters.has_address(visit, BY_NAME):
        return await find(visit)
    return await _page(visit, await feeds.searched(visit, PATH, FILTERS, {}))


async def find(visit: ConsoleVisit) -> Response:
    """A form with a fault leads nowhere, so that no link of its page has an email address."""
    led = await filters.led(visit, filters.typed(visit), FILTERS, BY_NAME)
    return led if isinstance(led, Response) else await _page(visit, Search(form=led, chosen={}))


async def _page(visit: ConsoleVisit, search: Search) -> Response:
    found = [] if search.answer is None else search.answer.of(list[DeviceAuthorization])
    names, chosen = Names(visit), search.chosen
    things = {"clientId": ("client", chosen.get("clientId", "")), "userId": ("user", chosen.get("userId", ""))}
    users = [("user", str(each.user_id)) for each in found if each.user_id]
    await names.learn([*things.values(), *(("client", each.client_id) for each in found), *users])
    return visit.page(
        "device_authorizations.html",
        title=visit.gettext("Devices"),
        status=search.status,
        form=search.form,
        rows=[_row(visit, each, names) for each in found],
        chosen=chosen,
        texts={name: names.known(thing) for name, thing in things.items()},
        states=STATES,
        following=search.older,
        first=visit.here_with(**chosen) if "cursor" in visit.query else "",
    )


def _row(visit: ConsoleVisit, device: DeviceAuthorization, names: Names) -> Row:
    user = "" if device.user_id is None else str(device.user_id)
    return Row(
        device=device,
        client=names.of(("client", device.client_id)),
        client_url=page_of_client(visit, device.client_id),
        user=names.of(("user", user)) if user else "",
        user_url=page_about(visit, "user", user) if user else "",
    )


SCREENS = (
    Screen(
        path="/device-authorizations",
        get=show,
        post=find,
        needs=AUDIT_READ,
        link=Link(group="directory", order=45, label=N_("Devices"), icon="sessions"),
    ),
)
