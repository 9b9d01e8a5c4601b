"""Files that the pages of the console load. Each has a digest in its name, so browsers may cache it permanently."""

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from service.console.place import ASSETS
from service.pages.assets import Asset, packed, sent

STATIC = Path(__file__).parent / "static"


@cache
def paths() -> dict[str, str]:
    """Return the path of each file by its plain name, below the issuer's path."""
    return {plain: f"{ASSETS}/{asset.name}" for plain, asset in _packed().items()}


@cache
def _packed() -> dict[str, Asset]:
    names = sorted(path.name for path in STATIC.iterdir() if path.suffix in (".css", ".js", ".svg"))
    return {name: packed(name, (STATIC / name).read_bytes()) for name in names}


async def static(request: Request) -> Response:
    """GET /console/assets/{name}."""
    named = {asset.name: asset for asset in _packed().values()}
    return await sent(named.get(request.path_params["name"]), request)
