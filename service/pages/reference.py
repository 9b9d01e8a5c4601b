"""The page at /docs: Scalar over our own /openapi.json, with every file from here and none from anywhere else."""

import gzip
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from msgspec import Struct

from service.openapi.document import OPERATIONS

HERE = Path(__file__).parent
STATIC = HERE / "static"
MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

# Scalar's bundle brings its style sheet as a <style> element that it makes itself, and sets style attributes: hence unsafe-inline,
# for styles alone. Scripts, requests and images are this server's own, so nothing on the page can tell another host of it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Asset(Struct, frozen=True, kw_only=True):
    """A file that the page loads. Its name has a digest of it, so that it may be kept for ever."""

    name: str
    media: str
    gzipped: bytes

    @property
    def plain(self) -> bytes:
        """Unpacked anew for the few that do not take gzip: the bundle is 3.5 MB."""
        return gzip.decompress(self.gzipped)


@cache
def assets() -> dict[str, Asset]:
    """By the name that the page gives them."""
    return {asset.name: asset for asset in (_bundle(), _style(), _start(), _icon())}


@cache
def page_html() -> bytes:
    rows = [f"<li><code>{o.method.upper()} {escape(o.path)}</code>: {escape(o.summary)}</li>" for o in OPERATIONS]
    return (
        Template((HERE / "docs.html").read_text(encoding="utf-8"))
        .substitute(
            icon=_icon().name,
            style=_style().name,
            bundle=_bundle().name,
            start=_start().name,
            operations="\n".join(("<ul>", *rows, "</ul>")),
        )
        .encode()
    )


@cache
def _bundle() -> Asset:
    """@scalar/api-reference as npm has it; its licence is beside it."""
    stored = (STATIC / "scalar-1.46.4.js.gz").read_bytes()
    return _named("scalar-1.46.4.js", stored, gzipped=stored)


@cache
def _style() -> Asset:
    text = (STATIC / "docs.css").read_text(encoding="utf-8")
    return _packed("docs.css", Template(text).substitute(icon=_icon().name).encode())


@cache
def _start() -> Asset:
    return _packed("start.js", (STATIC / "start.js").read_bytes())


@cache
def _icon() -> Asset:
    return _packed("icon.svg", (STATIC / "icon.svg").read_bytes())


def _packed(name: str, content: bytes) -> Asset:
    return _named(name, content, gzipped=gzip.compress(content, mtime=0))


def _named(name: str, content: bytes, *, gzipped: bytes) -> Asset:
    path = Path(name)
    digest = sha256(content).hexdigest()[:12]
    return Asset(name=f"{path.stem}.{digest}{path.suffix}", media=MEDIA[path.suffix], gzipped=gzipped)
