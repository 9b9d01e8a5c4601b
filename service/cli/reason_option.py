"""The option that says why, of each command that changes something."""

from typing import Annotated

import typer

from service.values import reason as reasons

Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help=f"Why, for the log: at most {reasons.MOST} characters. Do not name people here unless they are the user who is changed.",
        show_default=False,
    ),
]
