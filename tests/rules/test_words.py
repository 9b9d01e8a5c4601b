"""Names of the code are those of docs/glossary.md: what was renamed does not come back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORMER_MODULES = frozenset(
    [
        "acting",
        "asked",
        "batching",
        "cascade",
        "creating",
        "cross_origin",
        "door",
        "ending",
        "entering",
        "granting",
        "persons",
        "persons_token",
        "redeem",
        "remembering",
        "rescuing",
        "slips",
        "steps",
        "telling",
        "tickets",
        "wire",
        "wire_bots",
        "wire_secrets",
        "wire_users",
    ]
)
"""Modules that have a standard noun now, such as `authorization_request` for `asked`."""

FORMER_WORDS = frozenset(
    ["asked", "cascade", "door", "ending", "persons", "slip", "telling", "ticket", "tickets", "wire"]
)
"""Words of class names that meant several things, or were metaphors."""


CLASS = re.compile(r"^\s*class (\w+)", re.MULTILINE)


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _returned(module: Path, text: str) -> list[str]:
    """The names in this module that must not come back."""
    return [
        *([module.stem] if module.stem in FORMER_MODULES else []),
        *(name for name in CLASS.findall(text) if _words(name) & FORMER_WORDS),
    ]


@pytest.mark.parametrize("package", ["events", "projections", "service"])
def test_no_module_or_class_has_a_name_that_was_replaced(package):
    for module in (ROOT / package).rglob("*.py"):
        assert not _returned(module, module.read_text()), module


def test_a_former_name_is_found_in_a_new_module_or_class():
    assert _returned(Path("service/oauth/tickets.py"), "") == ["tickets"]
    assert _returned(Path("service/oauth/code.py"), "class OpenedTicket: ...\nclass Asked: ...") == [
        "OpenedTicket",
        "Asked",
    ]


def test_the_terms_of_the_glossary_are_sorted_and_stand_once():
    section = (ROOT / "docs/glossary.md").read_text().split("## Terms of the code")[1].split("\n## ")[0]
    terms = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)[1:]
    assert len(terms) > 40
    assert terms == sorted(set(terms), key=str.lower)
