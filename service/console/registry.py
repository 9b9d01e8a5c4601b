"""Finds the pages of the console: each module of service/console/screens has its own in `SCREENS`."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from service.console import screens as package
from service.console.screen import Screen


@cache
def screens() -> Sequence[Screen]:
    """Return every page; one without parameters in its path comes before those that its path would match, too."""
    names = [module.name for module in iter_modules(package.__path__)]
    found = [screen for name in names for screen in import_module(f"{package.__name__}.{name}").SCREENS]
    return tuple(sorted(found, key=lambda screen: (screen.path.count("{"), screen.path)))
