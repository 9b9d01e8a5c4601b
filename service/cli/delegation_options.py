"""The options of a client that say whose tokens it may exchange, and where it may assert its users."""

from typing import Annotated, Any

import typer
from msgspec import UNSET

from service.cli.json_file import read_json
from service.cli.panels import DELEGATION

OPTIONS = {"tokenExchange": "--token-exchange", "identityAssertions": "--identity-assertions"}

TokenExchangeFile = Annotated[
    str | None,
    typer.Option(
        "--token-exchange",
        metavar="FILE",
        help='Whose tokens it may exchange: a JSON list, such as [{"clients": ["APP"], "audiences": ["https://crm.example.com"], '
        '"scopes": ["crm:read"]}]; - is the standard input. It is the whole list; an empty value removes it.',
        show_default=False,
        rich_help_panel=DELEGATION,
    ),
]
IdentityAssertionsFile = Annotated[
    str | None,
    typer.Option(
        "--identity-assertions",
        metavar="FILE",
        help='Where it may assert its users: a JSON list, such as [{"audience": "https://chat.example", "clientId": "ID-THERE", '
        '"scopes": ["chat"]}]; - is the standard input. It is the whole list; an empty value removes it.',
        show_default=False,
        rich_help_panel=DELEGATION,
    ),
]


def policies(file: str | None) -> Any:
    """Return the list that the file has; UNSET if none is given. It is checked with the request. Raises Plainly."""
    if file is None:
        return UNSET
    return read_json(file) if file else []
