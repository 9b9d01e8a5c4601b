"""Why the service does something is said in the reader's language, whatever the service writes as the reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

from service.console import actors
from service.console.language import ENGLISH, catalogue

SERVICE = Path(__file__).parents[2] / "service"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_each_reason_that_the_service_writes_is_known_and_translated():
    written = {text for path in SERVICE.rglob("*.py") for text in _whys(ast.parse(path.read_text()))}
    assert {
        "first run",
        "the consent was withdrawn",
        "retention of 7 days",
        "sign-in through the upstream provider",
    } < written
    for text in written:
        assert actors.of_service(catalogue(ENGLISH).gettext, text), text
        assert actors.of_service(catalogue("de").gettext, text) not in (None, text), text


def test_a_reason_of_another_version_stays_as_it_is():
    assert actors.of_service(catalogue("de").gettext, "the moon is full") is None


def _whys(module: ast.Module) -> Iterator[str]:
    """Yield each `why` of a ByService: a literal, a constant of the module, or what a function of the module is called with."""
    constants = {
        target.id: statement.value.value
        for statement in module.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and isinstance(statement.value.value, str)
    }
    for function in (each for each in ast.walk(module) if isinstance(each, Function)):
        names = [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]
        for call in _calls(function, "ByService"):
            (value,) = (each.value for each in call.keywords if each.arg == "why")
            given = [value]
            if isinstance(value, ast.Name) and value.id in names:
                given = [each.args[names.index(value.id)] for each in _calls(module, function.name)]
                assert given, function.name
            yield from (_text(each, constants) for each in given)


def _calls(node: ast.AST, name: str) -> list[ast.Call]:
    calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
    return [each for each in calls if isinstance(each.func, ast.Name) and each.func.id == name]


def _text(value: ast.expr, constants: dict[str, str]) -> str:
    """Return the text, with 7 for each value in it."""
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants[name]
        case ast.JoinedStr(values=parts):
            return "".join("7" if isinstance(each, ast.FormattedValue) else _text(each, constants) for each in parts)
        case _:
            raise AssertionError(ast.unparse(value))
