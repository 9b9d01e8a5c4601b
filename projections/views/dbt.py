"""The file deploy/dbt/sources.yml: the views as a source of dbt."""

from collections.abc import Iterator

from msgspec import json

from projections.views.publication import VIEWS
from projections.views.view import View


def lines() -> Iterator[str]:
    yield "# Made by: python -m projections.views dbt > deploy/dbt/sources.yml"
    yield "version: 2"
    yield "sources:"
    yield "  - name: muniment"
    yield "    schema: muniment"
    yield f"    description: {_text('What Muniment knows, for people who query it. Names, columns and types stay as they are.')}"
    yield "    tables:"
    for view in VIEWS:
        yield from _table(view)


def _table(view: View) -> Iterator[str]:
    yield f"      - name: {view.name}"
    yield f"        description: {_text(view.says)}"
    yield "        columns:"
    for column in view.columns:
        yield f"          - name: {column.name}"
        yield f"            data_type: {column.type}"
        yield f"            description: {_text(column.says)}"


def _text(text: str) -> str:
    """A string of JSON is one of YAML."""
    return json.encode(text).decode()
