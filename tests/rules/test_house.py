"""How the house is built."""

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import events
import projections
import service

ROOT = Path(__file__).parents[2]
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
        assert not text.strip() or ast.get_docstring(ast.parse(text)), module


def test_every_folder_of_tests_is_a_package_so_that_no_two_modules_have_one_name():
    for folder in ("rules", "tables"):
        assert (ROOT / "tests" / folder / "__init__.py").exists()
