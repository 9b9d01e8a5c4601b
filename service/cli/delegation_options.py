"""The options of `muniment clients edit` that say whose tokens a client may exchange, and where it may assert its users."""

from typing import Annotated, Any

import typer
from msgspec import UNSET, UnsetType

from service.cli.json_file import read_json

TokenExchangeFile = Annotated[
    str | None,
    typer.Option(
        "--token-exchange",
        metavar="FILE",
        help='Whose tokens it may exchange: a JSON list, such as [{"clients": ["APP"], "audiences": ["https://crm.example.com"], '
        '"scopes": ["crm:read"]}]; - is the standard input. It is the whole list; an empty value removes it.',
        show_default=False,
    ),
]
IdentityAssertionsFile = Annotated[
    str | None,
    typer.Option(
        "--identity-assertions",
        metavar="FILE",
        help='Where it may assert its users: a JSON list, such as [{"audience": "https://chat.example", "clientId": "ID-THERE", '
        '"scopes": ["chat"]}]. It is the whole list; an empty value removes it.',
        show_default=False,
    ),
]


def policies(file: str | None) -> Any | UnsetType:
    """Return the list that the file has. It is checked with the request. Raises Plainly."""
    if file is None:
        return UNSET
    return read_json(file) if file else []
