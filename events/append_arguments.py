"""An append as the arguments of a statement: columns of all items, of all their events, and the rows of the inline projections."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from events import append_with_tokens
from events.append_with_tokens import APPEND_WITH_TOKENS
from events.array_literals import literal
from events.chain import event_leaf
from events.codec import encode, schema_version, type_of

if TYPE_CHECKING:
    from events.log import Append, Receipt

APPEND = """
select base, st, sv, sp
  from log.append($1::text::uuid[], $2::text::int[], $3::uuid[], $4::bytea[], $5::bytea[], $6::text::int[],
                  $7::text::int[], $8::text::smallint[], $9::text::text[], $10::bytea[], $11::bytea[], $12::jsonb)
"""


def statement(items: Sequence["Append"]) -> tuple[Any, ...]:
    """Returns the statement that appends these items, followed by its arguments."""
    decisions = [item.decided_from for item in items]
    if not any(decisions):
        return APPEND, *_arguments(items)
    return APPEND_WITH_TOKENS, *_arguments(items), *append_with_tokens.arguments(decisions)


def _arguments(items: Sequence["Append"]) -> tuple[Any, ...]:
    rows = [row for number, item in enumerate(items, 1) for row in _event_rows(number, item)]
    *numbers_and_names, metas, contents = zip(*rows, strict=True)
    receipts = [item.receipt for item in items]
    return (
        literal([item.stream for item in items]),
        literal([None if item.is_fresh else item.expected for item in items]),
        *(_columns(receipts) if any(receipts) else (None, None, None)),
        *map(literal, numbers_and_names),
        metas,
        contents,
        _rows(items),
    )


def _rows(items: Sequence["Append"]) -> str | None:
    """The rows by table and kind (schema/0013_rows.sql). A changed row has its defaults, which a new one leaves out."""
    found: dict[str, dict[str, list[object]]] = {}
    for item in items:
        for change in item.changes:
            kinds = found.setdefault(change.table, {})
            if change.row is None:
                kinds.setdefault("gone", []).append(item.stream)
            elif item.expected:
                kinds.setdefault("changed", []).append(_changed(change.row, change.was))
            else:
                kinds.setdefault("new", []).append(change.row)
    return encode(found).decode() if found else None


def _changed(row: Struct, was: Struct | None) -> dict[str, Any]:
    if was is None:
        return structs.asdict(row)
    key, *others = zip(row.__struct_fields__, structs.astuple(row), structs.astuple(was), strict=True)
    return {key[0]: key[1]} | {name: now for name, now, before in others if now is not before and now != before}


def _event_rows(number: int, item: "Append") -> list[tuple[Any, ...]]:
    meta = _meta_of(item)
    rows: list[tuple[Any, ...]] = []
    for version, event in enumerate(item.events, item.expected + 1):
        kind = type_of(event)
        rows.append((number, version, schema_version(kind), kind, meta, encode(event)))
    return rows


def _meta_of(item: "Append") -> bytes:
    return encode(item.meta if item.receipt is None else item.meta.__replace__(receipt=item.receipt.digest))


def first_leaf(item: "Append") -> bytes:
    """Returns the leaf of the first event of an item, by which it is found in the log."""
    _, version, schema, kind, meta, data = _event_rows(1, item)[0]
    return event_leaf(stream=item.stream, version=version, schema_version=schema, kind=kind, meta=meta, data=data)


def _columns(receipts: Sequence["Receipt | None"]) -> tuple[list[Any], list[Any], list[Any]]:
    return (
        [r and r.command_id for r in receipts],
        [r and r.fingerprint for r in receipts],
        [r and r.response for r in receipts],
    )
