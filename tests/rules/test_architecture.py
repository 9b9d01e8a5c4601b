"""docs/architecture.md shows the rooms and files that there are."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/architecture.md").read_text()


def _floors_of_the_picture() -> list[list[str]]:
    picture = TEXT.split("```\nservice/\n")[1].split("\nprojections/")[0]
    return [line.strip().split(" · ") for line in picture.splitlines()]


def test_every_room_of_the_service_is_in_the_picture():
    rooms = {
        path.stem for path in (ROOT / "service").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {room for floor in _floors_of_the_picture() for room in floor} == rooms - {"__init__"}


def test_the_picture_has_the_floors_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (floors,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["service"])
    assert _floors_of_the_picture() == [floor.split(" | ") for floor in floors]


def test_every_file_on_the_way_of_a_request_exists():
    named = set(re.findall(r"`((?:service|projections|events)/[\w/]+\.py)`", TEXT))
    assert len(named) > 40
    assert {name for name in named if not (ROOT / name).exists()} == set()
