"""muniment users role: what a user may do in the console."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from events.user import Role
from service.cli.opening import by_operator
from service.cli.output import Json, document, note, say
from service.cli.reason_option import Reason
from service.cli.user_lookup import NO_OPERATOR, User, found_user, is_last_operator, with_people, with_settings
from service.commands.handle import Ledger
from service.configuration.settings import Settings
from service.use_cases import roles

if TYPE_CHECKING:
    from service.people.accounts import People

COMES_BACK = "the role came through a group of the upstream provider: it comes back when they sign in there, unless they leave the group"

app = typer.Typer(help="What a user may do in the console: give a role, or take it away.")

RoleName = Annotated[
    Role,
    typer.Argument(
        metavar="ROLE",
        help="operator does everything, auditor reads everything, owner manages their own clients and bots.",
        show_default=False,
    ),
]


@app.command()
def give(user: User, role: RoleName, reason: Reason = None, as_json: Json = False) -> None:
    """Give a user a role: they can use the console, at /console, with the power of the role.

    Example: `muniment users role give ada@example.com auditor`
    """
    meta = by_operator(reason)

    async def give(people: "People", ledger: Ledger) -> UUID:
        found = await found_user(people, user)
        await roles.give(people, ledger, found, role, meta)
        return found

    _say(user, with_people(give), role, f"has the role {role}", as_json=as_json)


@app.command()
def take(user: User, role: RoleName, reason: Reason = None, as_json: Json = False) -> None:
    """Take a role from a user. Its pages end at the user's next request.

    A role that came through a group comes back when they sign in through the upstream provider, as long as they are in the
    group there. `muniment users disable` stops them until they are enabled.

    Example: `muniment users role take ada@example.com operator`
    """
    meta = by_operator(reason)

    async def take(settings: Settings, people: "People", ledger: Ledger) -> tuple[UUID, bool, bool]:
        found = await found_user(people, user)
        is_last = role == "operator" and await is_last_operator(settings, people, ledger, found)
        return found, roles.came_through_a_group(await roles.take(people, ledger, found, role, meta)), is_last

    found, comes_back, was_last = with_settings(take)
    _say(user, found, role, f"does not have the role {role}", as_json=as_json)
    if comes_back:
        note(COMES_BACK)
    if was_last:
        note(NO_OPERATOR)


def _say(named: str, user: UUID, role: Role, what: str, *, as_json: bool) -> None:
    if as_json:
        document({"id": user, "role": role})
    else:
        say(f"{named} {what}.")
