"""make test-pythons tests those interpreters that really run, wherever a developer's machine has them."""

import subprocess
from pathlib import Path

import pytest

FIND = Path(__file__).parents[1] / "find_python.sh"
RUNS, IS_NOT_SELECTED = "exit 0", "echo pyenv: command not found >&2; exit 127"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path: Path, does: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return f"{path}\n"


def found(machine: Path, **environment: str) -> str:
    where = {"PATH": f"{machine / 'bin'}:/usr/bin:/bin", "HOME": str(machine), **environment}
    return subprocess.run([FIND, "3.99"], env=where, capture_output=True, text=True, check=True).stdout


def test_one_of_path_is_found_before_pyenv_s(machine: Path):
    ours = program(machine / "bin/python3.99", RUNS)
    program(machine / ".pyenv/versions/3.99.1/bin/python3.99", RUNS)
    assert found(machine) == ours


@pytest.mark.parametrize(("place", "environment"), [(".pyenv", {}), ("else where", {"PYENV_ROOT": "else where"})])
def test_a_shim_that_runs_nothing_is_passed_over_for_pyenv_s_version(
    machine: Path, place: str, environment: dict[str, str]
):
    program(machine / "bin/python3.99", IS_NOT_SELECTED)
    theirs = program(machine / place / "versions/3.99.1/bin/python3.99", RUNS)
    assert found(machine, **{name: str(machine / path) for name, path in environment.items()}) == theirs


def test_what_does_not_run_is_not_here(machine: Path):
    program(machine / "bin/python3.99", IS_NOT_SELECTED)
    assert found(machine) == ""
