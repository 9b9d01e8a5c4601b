"""Who owns a client or a bot that is made at the command line, and which bots that owner's clients may act as."""

from typing import Annotated

import typer

from service.cli.opening import Plainly
from service.commands.authority import Holder, is_reserved
from service.values import identifiers

Owner = Annotated[str, typer.Option(help="Whose it is: the `sub` of who manages it.", show_default=False)]


def check_owner(owner: str, what: str) -> None:
    """Raises Plainly. `what` names the kind that it would own, such as clients."""
    fault = "is reserved for the service" if is_reserved(owner) else identifiers.fault_of(owner)
    if fault is not None:
        raise Plainly(f"--owner {owner!r} cannot own {what}: it {fault}. Name the sub of who manages them.")


def holder(owner: str) -> Holder:
    """The owner, who may name only their own bots. An owner can read a new secret of the client, and then acts as its bot."""
    return Holder(owner=owner, sub=owner, scopes=frozenset())
