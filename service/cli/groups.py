"""Groups of commands whose module is imported once one of them is asked for, so that each command pays for itself alone."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group_from_info
from typer.models import TyperInfo


class _Deferred(TyperGroup):
    module = ""

    def list_commands(self, ctx: Any) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        if not self.commands:
            found = TyperInfo(import_module(self.module).app)
            self.commands = get_group_from_info(
                found,
                pretty_exceptions_short=False,
                suggest_commands=self.suggest_commands,
                rich_markup_mode=self.rich_markup_mode,
            ).commands


def group(module: str, sentence: str) -> typer.Typer:
    """The commands of the module's `app`; the sentence is what the list of groups says of them."""
    deferred = type("_Deferred", (_Deferred,), {"module": module})
    return typer.Typer(help=sentence, no_args_is_help=True, cls=deferred)
