"""The options of several lists: how much is listed, and of what."""

from typing import Annotated, Literal

import typer

Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, oldest first.")]
Owner = Annotated[str | None, typer.Option(help="Only this owner's (the `sub` of who registered them).")]
State = Annotated[Literal["active", "disabled"] | None, typer.Option(help="Only those in this state.")]
