"""What the script of the log's page verifies: keys, checkpoints, entries and proofs, exactly as the API of the log has them."""

from collections.abc import Callable, Mapping

from msgspec import json
from starlette.responses import Response

from events.transparency import tile_path
from events.transparency.tree import WIDTH, Place
from service.console.api import Refused
from service.console.screen import ConsoleVisit
from service.endpoints.transparency import ISSUANCE_PATH, PATH
from service.pages import rendering as pages
from service.problems import Invalid

TREES: Mapping[str, str] = {"log": PATH, "issuance": ISSUANCE_PATH}
MOST_DIGITS = 18


async def part(visit: ConsoleVisit, name: str) -> Response:
    """Return the part that the page's query names; a refusal of the API as its problem."""
    try:
        answer = await visit.api.get(_path(visit, name))
    except Refused as fault:
        body = json.encode(fault.problem)
        return Response(body, fault.problem.status, headers=pages.HEADERS, media_type="application/problem+json")
    return Response(answer.body, headers=pages.HEADERS, media_type=answer.headers["content-type"])


def _path(visit: ConsoleVisit, name: str) -> str:
    """Raises Invalid."""
    known: Mapping[str, Callable[[str], str]] = {
        "key": lambda _tree: f"{PATH}/key",
        "checkpoint": lambda tree: f"{tree}/checkpoint",
        "inclusion": lambda tree: f"{tree}/proof/inclusion/{_number(visit, 'position')}",
        "consistency": lambda tree: f"{tree}/proof/consistency/{_number(visit, 'old')}/{_number(visit, 'new')}",
        "entries": lambda tree: f"{tree}/tile/{_entries(visit)}",
    }
    tree = TREES.get(visit.query.get("tree", "log"))
    if name not in known or tree is None:
        raise Invalid("The log has no such part.")
    return known[name](tree)


def _entries(visit: ConsoleVisit) -> str:
    number, width = _number(visit, "number"), _number(visit, "width")
    if not 1 <= width <= WIDTH:
        raise Invalid(f"A bundle has 1 to {WIDTH} entries.")
    return tile_path.Tile(Place(0, number), width, entries=True).path


def _number(visit: ConsoleVisit, name: str) -> int:
    text = visit.query.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise Invalid(f"{name} must be a whole number.")
    return int(text)
