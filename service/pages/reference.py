"""The page at /docs: Scalar shows our /openapi.json. Every file comes from this server."""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from service.openapi.document import OPERATIONS
from service.pages.assets import STATIC, Asset, named, packed

HERE = Path(__file__).parent

# Scalar's bundle creates a <style> element and sets style attributes, so styles need unsafe-inline.
# Scripts, requests and images come from this server only, so nothing on the page can contact another host.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def assets() -> dict[str, Asset]:
    """Return the files by the names that the page uses."""
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
    """Return @scalar/api-reference as npm distributes it; its licence is beside it."""
    stored = (STATIC / "scalar-1.46.4.js.gz").read_bytes()
    return named("scalar-1.46.4.js", stored, gzipped=stored)


@cache
def _style() -> Asset:
    text = (STATIC / "docs.css").read_text(encoding="utf-8")
    return packed("docs.css", Template(text).substitute(icon=_icon().name).encode())


@cache
def _start() -> Asset:
    return packed("start.js", (STATIC / "start.js").read_bytes())


@cache
def _icon() -> Asset:
    return packed("icon.svg", (STATIC / "icon.svg").read_bytes())
