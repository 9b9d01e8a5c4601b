"""How the house is built."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import events
import projections
import service
from projections import registry

ROOT = Path(__file__).parents[2]
READERS_WITH_HOLES = {
    *(
        "bz2",
        "configparser",
        "email",
        "ftplib",
        "html.parser",
        "http.cookies",
        "http.server",
        "imaplib",
        "lzma",
        "plistlib",
    ),
    *("tarfile", "urllib.request", "xml", "zipfile"),
}
"""What of the standard library reads what others wrote, and had a security fix that we read of in a release from 3.11.1 to 3.11.16,
3.12.14, 3.13.15 and 3.14.7."""

SENTENCE = re.compile(r'(#.*\n)*r?"""\S')
"""How a module begins, which need not be parsed to see it."""

OURS = {"service": service, "events": events, "projections": projections}


def test_no_dependency_installs_a_package_named_as_one_of_ours():
    """(The distribution `events` of PyPI owns that import name, and would overwrite ours without a word.)"""
    installed = packages_distributions()
    assert "starlette" in installed
    assert {name: set(installed.get(name, ["muniment"])) for name in OURS} == {name: {"muniment"} for name in OURS}


@pytest.mark.parametrize("name", OURS)
def test_the_package_that_is_imported_is_the_one_in_this_checkout(name):
    assert Path(OURS[name].__path__[0]).resolve() == ROOT / name


@pytest.mark.parametrize("name", OURS)
def test_every_module_says_in_a_sentence_what_it_is_for(name):
    for module in (ROOT / name).rglob("*.py"):
        text = module.read_text()
        assert not text.strip() or SENTENCE.match(text), module


def test_every_projection_of_ours_is_registered():
    defined = re.compile(r"^(TABLE|PROJECTION) = ", re.MULTILINE)
    found = {module.stem for module in (ROOT / "projections").glob("*.py") if defined.search(module.read_text())}
    assert found == set(registry.MODULES)


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_read_by_what_has_a_known_hole_in_one_of_the_pythons_that_we_run_on(name):
    for module in (ROOT / name).rglob("*.py"):
        found = {each for each in _imported(ast.parse(module.read_text())) if _is_among(each, READERS_WITH_HOLES)}
        assert not found, module


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_among(name: str, modules: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def test_every_folder_of_tests_is_a_package_so_that_no_two_modules_have_one_name():
    for folder in ("rules", "tables"):
        assert (ROOT / "tests" / folder / "__init__.py").exists()
