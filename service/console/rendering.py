"""Renders the templates of the console.

Whatever a template writes passes `visible`: control characters and those that change the direction of a text are shown as their code, so
a name from outside is harmless in every cell, and no template has to think of it. Only the value of a field is written as it is (`typed`),
for it comes back with the form.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from babel.numbers import format_decimal
from jinja2 import Environment
from jinja2.runtime import Macro
from markupsafe import Markup, escape
from msgspec import Struct
from starlette.responses import Response

from service.console import assets, faults, labels
from service.console.access import Access
from service.console.bars import bars
from service.console.cells import short_id, some
from service.console.compiling import OneLanguage, written
from service.console.forms import UNTOUCHED
from service.console.language import N_, catalogue
from service.console.place import segment
from service.console.times import clock, day, exactly, when
from service.pages import rendering as pages
from service.pages.browser import Visit
from service.values.text import CONTROLS, printable

if TYPE_CHECKING:
    from service.console.screen import Screen

TEMPLATES = Path(__file__).parent / "templates"
GROUPS = {"home": "", "directory": N_("Directory"), "evidence": N_("Evidence"), "operation": N_("Operation")}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
TIMES: Mapping[str, Any] = {"when": when, "exactly": exactly, "clock": clock, "day": day}
"""The filters of a time."""

MOST_NAVIGATIONS = 256
"""They depend on roles, page and language only. Each has twenty kilobytes."""

MOST_NUMBERS = 1024
MOST_PARTS = 512
"""Parts of rows that are kept. Each has a kilobyte."""

_controls = re.compile(rf"(?![\n\t])[{CONTROLS}\ud800-\udfff]")


class Navigation(Struct, frozen=True, kw_only=True):
    """The links beside a page, and those behind its button in a narrow window."""

    wide: Markup
    narrow: Markup


class Section(Struct, frozen=True, kw_only=True):
    """A group of the navigation."""

    title: str
    links: list["Entry"]


class Entry(Struct, frozen=True, kw_only=True):
    label: str
    path: str
    icon: str
    current: bool


@cache
def _environment(language: str) -> Environment:
    environment = pages.environment(TEMPLATES, finalize=written, kind=OneLanguage)
    # Jinja cannot type the values of a template.
    untyped: Any = environment
    gettext, ngettext = _translations(language)
    untyped.install_gettext_callables(gettext, ngettext, newstyle=False)
    untyped.newstyle_gettext = True
    untyped.globals.update(_=gettext, language=language, asset=assets.paths(), untouched=UNTOUCHED)
    untyped.filters.update({name: partial(filter_, language=language) for name, filter_ in TIMES.items()})
    untyped.filters.update(
        sentence=partial(faults.sentence, language=language),
        label=partial(labels.label, language=language),
        note=partial(faults.note, language=language),
    )
    untyped.filters.update(short_id=short_id, some=some, bars=bars, segment=segment)
    untyped.filters.update(code=code, typed=typed, number=partial(_number, locale=pages.DATES[language]))
    untyped.globals.update(kept=_kept(environment))
    return environment


def _kept(environment: Environment) -> SimpleNamespace:
    """Return the macros of kept.html, each of which remembers what it made of its arguments: what a list shows is mostly what it showed."""
    made = vars(environment.get_template("kept.html").module)
    return SimpleNamespace(
        **{name: lru_cache(MOST_PARTS)(each) for name, each in made.items() if isinstance(each, Macro)}
    )


def _translations(language: str) -> tuple[Any, Any]:
    """Return gettext and ngettext, which make visible and escape what is put into a text."""
    known = catalogue(language)

    def gettext(text: str, /, **put: object) -> Markup:
        return _filled(known.gettext(text), put)

    def ngettext(one: str, many: str, number: int, /, **put: object) -> Markup:
        return _filled(known.ngettext(one, many, number), {"num": number, **put})

    return gettext, ngettext


def _filled(text: str, put: dict[str, object]) -> Markup:
    filled = text % {name: written(value) for name, value in put.items()} if put else text
    return Markup(filled)  # noqa: S704 - a text of ours, from a template or a catalogue, and each value is escaped


@lru_cache(maxsize=MOST_NUMBERS)
def _number(number: int, locale: str) -> str:
    return format_decimal(number, locale=locale)


def code(text: str) -> Markup:
    """Return a text of several lines, which may be indented by tabs; whatever else cannot be seen is made visible."""
    parts = re.split(r"([\n\t])", text)
    return Markup().join(escape(part if part in ("\n", "\t") else printable(part)) for part in parts)


def typed(text: str) -> Markup:
    """Return the value of a field, unchanged but for controls: an edit must not change what nobody touched. Lines and tabs stay."""
    return escape(_controls.sub(lambda found: printable(found[0]), text.replace("\r\n", "\n")))


def navigation(
    screens: Sequence["Screen"], access: Access, current: "Screen | None", language: str, base: str
) -> Navigation:
    """Return the links that the person's roles reach."""
    here = None if current is None else current.below or current.path
    return _navigation(tuple(screens), access.scopes, here, language, base)


@lru_cache(maxsize=MOST_NAVIGATIONS)
def _navigation(
    screens: tuple["Screen", ...], scopes: frozenset[str], here: str | None, language: str, base: str
) -> Navigation:
    sections = _sections([each for each in screens if each.needs is None or each.needs in scopes], here, language)
    wide, narrow = (
        Markup(html("navigation.html", language, sections=sections, base=base, prefix=prefix))  # noqa: S704 - a template of ours
        for prefix in ("w", "n")
    )
    return Navigation(wide=wide, narrow=narrow)


def _sections(screens: Sequence["Screen"], here: str | None, language: str) -> list[Section]:
    sections = {
        group: Section(title=title and catalogue(language).gettext(title), links=[]) for group, title in GROUPS.items()
    }
    for each in sorted(screens, key=lambda screen: screen.link.order if screen.link else 0):
        if each.link is not None:
            label = catalogue(language).gettext(each.link.label)
            current = here is not None and _is_below(here, each.path)
            entry = Entry(label=label, path=each.path, icon=each.link.icon, current=current)
            sections[each.link.group].links.append(entry)
    return [section for section in sections.values() if section.links]


def tabs(screens: Sequence["Screen"], access: Access, current: "Screen | None", browser: Visit) -> list[Entry]:
    """Return the pages about the same thing as this one; none if this page has no tab."""
    if current is None or current.tab is None:
        return []
    of, parameters = current.tab.of, browser.request.path_params
    found = [
        (each.tab, each)
        for each in screens
        if each.tab is not None and each.tab.of == of and (each.needs is None or access.may(each.needs))
    ]
    return [
        Entry(
            label=catalogue(browser.language).gettext(tab.label),
            path=_filled_path(each.path, parameters),
            icon="",
            current=each is current,
        )
        for tab, each in sorted(found, key=lambda pair: pair[0].order)
    ]


def _filled_path(path: str, parameters: Mapping[str, str]) -> str:
    return "/".join(
        quote(parameters[part[1:-1]], safe="") if part.startswith("{") else part for part in path.split("/")
    )


def _is_below(path: str, section: str) -> bool:
    return path == section or (section not in ("", "/") and path.startswith(f"{section}/"))


def html(template: str, language: str, **context: Any) -> str:
    return _environment(language).get_template(template).render(context)


def page(text: str, status: int = 200) -> Response:
    headers = {**pages.HEADERS, "Content-Security-Policy": POLICY}
    return Response(text, status, headers=headers, media_type="text/html")
