"""Projections of installed packages are found by their entry points; what is wrong with one leaves out that one alone."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from projections import packages, registry

ACME = Path(__file__).parents[1] / "packages" / "acme"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Installs acme, and then what the test asks for: a distribution of one module, with one entry point."""

    def install(name: str, entry_point: str, program: str) -> None:
        (tmp_path / f"{name}.py").write_text(program)
        place = tmp_path / f"{name}-1.0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (place / "entry_points.txt").write_text(f"[muniment.projections]\n{entry_point}\n")

    for place in (ACME, tmp_path):
        monkeypatch.syspath_prepend(place)
    before = set(sys.modules)
    yield install
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", "") and Path(str(sys.modules[name].__file__)).parent in (
            ACME,
            tmp_path,
        ):
            del sys.modules[name]


WHOLE = """
from msgspec import Struct
from events.client import ClientDeleted
from projections.catch_up import CatchUp, events
class Row(Struct, frozen=True, kw_only=True):
    name: str
    odd: complex = 0
class Good(Struct, frozen=True, kw_only=True):
    name: str
ONE = CatchUp(name="mine", version=1, follows=events(ClientDeleted), row=Good, key=("name",), project=print, schema="bad")
"""
BROKEN = {
    "an import that fails": ("bad = bad:ONE", "import not_there", "bad", "ModuleNotFoundError: No module named 'not_there'"),
    "a module that ends the process": ("bad = bad:ONE", "raise SystemExit(3)", "bad", "SystemExit: 3"),
    "a name that is not in the module": ("bad = bad:TWO", WHOLE, "bad", "has no attribute 'TWO'"),
    "a function that fails": ("bad = bad:f", "def f(): return 1 / 0", "bad", "ZeroDivisionError"),
    "no CatchUp": ("bad = bad:ONE", "ONE = 7", "bad.1", "it is of the type int"),
    "one that is no CatchUp": ("bad = bad:BOTH", f"{WHOLE}BOTH = (ONE, ONE.name)", "bad.2", "it is of the type str"),
    "our schema": ("bad = bad:ONE", WHOLE.replace("bad", "read"), "bad.mine", "its schema is read: say schema='bad'"),
    "our schema's name": ("read = bad:ONE", WHOLE, "read", "read is not a package's own"),
    "Postgres's schema": ("pg_bad = bad:ONE", WHOLE, "pg_bad", "small letters, digits and underscores"),
    "a schema that is no name": ('b"; drop schema log = bad:ONE', WHOLE, 'b"; drop schema log', "small letters"),
    "another package's schema": ("acme = bad:ONE", WHOLE, "acme", "acme-tables has one of the same name"),
    "one name twice": ("bad = bad:BOTH", f"{WHOLE}BOTH = (ONE, ONE)", "bad.mine", "there is another of this name"),
    "the name of a table beside another": (
        "bad = bad:ONE",
        WHOLE.replace('"mine"', '"mine_v2"'),
        "bad.mine_v2",
        "its name cannot be a table's",
    ),
    "a key without a column": ("bad = bad:ONE", WHOLE.replace('("name",)', '("id",)'), "bad.mine", "its key and its indexes"),
    "totals of what is no token": (
        "bad = bad:ONE",
        WHOLE.replace("=print", '=print, totals=Totals(query="", combined={})').replace("import CatchUp", "import CatchUp, Totals"),
        "bad.mine",
        "it has totals, which are of tokens",
    ),
    "a row that is no struct": ("bad = bad:ONE", WHOLE.replace("row=Good", "row=dict"), "bad.mine", "dict"),
    "a field that no column holds": ("bad = bad:ONE", WHOLE.replace("row=Good", "row=Row"), "bad.mine", "NoColumn"),
    "nothing to project with": ("bad = bad:ONE", WHOLE.replace("=print", "=None"), "bad.mine", "a function to project"),
    "one that says nothing of itself": (
        "bad = bad:ONE",
        "class Lazy:\n    def __getattr__(self, name): raise RuntimeError\nONE = (Lazy(),)",
        "bad.1",
        "it is of the type Lazy",
    ),
    "an error without a text": (
        "bad = bad:ONE",
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute",
        "bad",
        "Mute: its text cannot be read",
    ),
    "an entry point without a value": ("bad", WHOLE, "bad", "its entry points cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", BROKEN)
def test_what_is_wrong_with_a_package_is_named_and_logged_and_leaves_out_nothing_else(installed, caplog, wrong):
    entry_point, program, name, why = BROKEN[wrong]
    installed("bad", entry_point, program)
    found = packages.load()
    [left_out] = found.left_out
    assert left_out.name == name
    assert why in left_out.why
    assert f"the projection {name} of an installed package is left out: {left_out.why}" in caplog.text
    assert {"acme.owners", "acme.buggy"} <= found.projections.keys()


def test_packages_without_a_name_hold_up_nobody(installed, tmp_path):
    for name in ("one", "other"):
        installed(name, f"{name} = {name}:ONE", WHOLE.replace("bad", name))
        (tmp_path / f"{name}-1.0.dist-info" / "METADATA").unlink()
    found = packages.load()
    assert {"acme.owners", "acme.buggy"} <= found.projections.keys()


def test_one_projection_or_a_function_that_gives_several_is_what_an_entry_point_names(installed):
    installed("bad", "bad = bad:ONE", WHOLE)
    found = packages.load()
    assert (list(found.projections), found.left_out) == (["acme.owners", "acme.buggy", "bad.mine"], [])


def test_the_schemas_of_packages_are_known_without_running_their_code(installed):
    installed("bad", "bad = bad:ONE", WHOLE)
    assert packages.schemas() == ["acme", "bad"]
    assert "bad" not in sys.modules


def test_muniment_s_own_projections_are_found_without_a_look_at_what_is_installed(monkeypatch):
    monkeypatch.setattr(packages, "load", lambda: pytest.fail("looked"))
    registry.of_packages.cache_clear()
    assert registry.find("clients").name == "clients"
    assert {each.id for each in registry.catch_up()} <= registry.PROJECTIONS.keys()
