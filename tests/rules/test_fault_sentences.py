"""Each sentence that the console has for a fault or a note stands for a text which the API makes today, so that a new wording is seen."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct, json

import service
from service.blast_radius.report import Named
from service.console import faults
from service.console.faults import KNOWN, NOTES, OF_A_LINE, Known
from service.endpoints.fields import Fields
from service.people.last_operator import LAST
from service.revocation.receipt import OWN_ACCOUNT, notes
from tests.rules.samples import AT
from tests.rules.test_revocation import RECEIPT

SERVICE = Path(service.__file__).parent


class Limited(Struct):
    long: Annotated[str, Meta(max_length=1)]
    short: Annotated[str, Meta(min_length=3)]
    odd: Annotated[str, Meta(pattern="^[a-z]*$")]


def _text(node: ast.AST) -> str:
    """The text that this part of a program makes; what it fills in is a 1."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) if isinstance(part, ast.Constant) else "1" for part in parts)
        case _:
            return ""


def _written() -> Iterator[str]:
    for path in SERVICE.rglob("*.py"):
        if "console" not in path.relative_to(SERVICE).parts:
            yield from filter(None, map(_text, ast.walk(ast.parse(path.read_text()))))


def _of_limits() -> Iterator[str]:
    body = json.encode({"long": "aa", "short": "a", "odd": "A"})
    for found in Fields(Limited, "application/json", body).errors.values():
        yield from found


def _without_line(text: str) -> str:
    found = OF_A_LINE[0].fullmatch(text)
    return found["fault"] if found else text


@cache
def _faults() -> frozenset[str]:
    """Read when they are asked for: every process of the suite imports this module, and one runs its tests."""
    return frozenset(map(_without_line, (*_written(), *_of_limits())))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.pattern.pattern)
def test_each_known_fault_is_one_that_the_api_writes(known: Known):
    assert any(known.pattern.fullmatch(text) for text in _faults())


def _noted() -> list[str]:
    """Every note that a receipt can have."""
    key, actor = Named(kind="signingKey", id="key-1"), Named(kind="actor", id="cli:ada")
    whole = RECEIPT.__replace__(
        origin=key,
        complete=False,
        follows={"change": 3},
        revoked={"client": 1, "issuer": 1},
        last_position=8,
        tokens_valid_until=AT,
    )
    of_accounts = [text for account in (OWN_ACCOUNT, LAST) for text in notes(RECEIPT, None, account)]
    return [*notes(whole, "oauth_client_me"), *notes(RECEIPT.__replace__(origin=actor), None), *of_accounts]


def test_every_note_of_a_receipt_is_in_the_readers_language_and_each_known_one_is_such_a_note():
    noted = _noted()
    assert [text for text in noted if 'lang="en"' in faults.note(text, "de")] == []
    assert [known for known in NOTES if not any(known.pattern.fullmatch(text) for text in noted)] == []
