"""Files that our pages load. Each has a digest in its name, so browsers may cache it permanently."""

import asyncio
import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
PATH = "/pages"
MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
NAMES = ("pages.css", "passkey.js", "icon.svg")


class Asset(Struct, frozen=True, kw_only=True):
    """A file that a page loads, with the name that includes its digest."""

    name: str
    media: str
    gzipped: bytes


@cache
def _unpacked(asset: Asset) -> bytes:
    return gzip.decompress(asset.gzipped)


@cache
def paths() -> dict[str, str]:
    """Return the path of each file of the users' pages, by its plain name."""
    return {plain: f"{PATH}/{packed(plain, (STATIC / plain).read_bytes()).name}" for plain in NAMES}


@cache
def _assets() -> dict[str, Asset]:
    return {asset.name: asset for asset in (packed(name, (STATIC / name).read_bytes()) for name in NAMES)}


def packed(name: str, content: bytes) -> Asset:
    return named(name, content, gzipped=gzip.compress(content, mtime=0))


def named(name: str, content: bytes, *, gzipped: bytes) -> Asset:
    path = Path(name)
    digest = sha256(content).hexdigest()[:12]
    return Asset(name=f"{path.stem}.{digest}{path.suffix}", media=MEDIA[path.suffix], gzipped=gzipped)


async def static(request: Request) -> Response:
    """GET /pages/{name}."""
    return await sent(_assets().get(request.path_params["name"]), request)


async def sent(asset: Asset | None, request: Request) -> Response:
    """Return the file, compressed if the browser accepts gzip. Raises HTTPException if there is no file with this name."""
    if asset is None:
        raise HTTPException(404)
    gzipped = "gzip" in request.headers.get("accept-encoding", "")
    encoding = {"Content-Encoding": "gzip"} if gzipped else {}
    # Unpacked in a thread, because the reference's bundle has 3.5 MB, and only once, so that a client without gzip is served as fast.
    body = asset.gzipped if gzipped else await asyncio.to_thread(_unpacked, asset)
    return Response(body, headers={**FOR_EVER, "Vary": "Accept-Encoding", **encoding}, media_type=asset.media)
