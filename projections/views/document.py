"""The page docs/views.md, made from the views themselves."""

from collections.abc import Iterator

from projections.views.publication import VIEWS
from projections.views.view import View


def lines() -> Iterator[str]:
    """Yields the lines of the part that describes the views."""
    for view in VIEWS:
        yield from _described(view)


def _described(view: View) -> Iterator[str]:
    yield f"### muniment.{view.name}"
    yield ""
    yield view.says
    yield ""
    yield "| column | type | what it is |"
    yield "|---|---|---|"
    for column in view.columns:
        yield f"| `{column.name}` | {column.type} | {column.says} |"
    yield ""
