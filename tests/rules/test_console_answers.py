"""A page takes what the API has found as it is, if it is of the shape that the page asks for."""

from typing import Any

from msgspec import Struct, json

from service.console.api import Answer


class Bot(Struct, frozen=True):
    name: str


class Named(Struct, frozen=True):
    name: str


def _answer(content: object) -> Answer:
    return Answer(status=200, headers={}, body=json.encode(content), content=content)


def test_structs_of_the_shape_are_taken_as_they_are():
    one, some = Bot("a"), [Bot("a"), Bot("b")]
    assert _answer(one).of(Bot) is one
    assert _answer(some).of(list[Bot]) is some


def test_anything_else_is_decoded():
    assert _answer(Bot("a")).of(Named) == Named("a")
    assert _answer([Bot("a"), Named("b")]).of(list[Bot]) == [Bot("a"), Bot("b")]
    assert _answer([]).of(list[Bot]) == []
    assert _answer({"name": "a"}).of(dict[str, Any]) == {"name": "a"}
    assert Answer(status=200, headers={}, body=b'{"name":"a"}').of(Bot) == Bot("a")
