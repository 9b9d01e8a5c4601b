"""How the console's templates are compiled: for one language, and so that whatever is written is made visible and escaped in one step.

A text without values is translated, and an icon is drawn, when the template is compiled, and not each time that it is shown.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from service.values.text import printable

_escaped = re.compile("[&<>'\"]").search


def visible(value: object) -> object:
    """Return text in which every character can be seen. Markup was made by us and stays as it is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def written(value: object) -> str:
    """Return what is written in the place of a value. Most texts are written as they are."""
    if type(value) is str:
        shown = value if value.isprintable() else printable(value)
        return escape(shown) if _escaped(shown) else shown
    return value if type(value) is Markup else escape(visible(value))


class _Code(CodeGenerator):
    """`written` escapes, so that Jinja need not do it once more around it: most of a page is values."""

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("written = environment.finalize")

    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:  # noqa: ARG002 - as Jinja calls it
        self.write("written(")

    def _output_child_post(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:  # noqa: ARG002 - as Jinja calls it
        self.write(")")

    def visit_Getattr(self, node: nodes.Getattr, frame: Any) -> None:  # noqa: N802 - the name by which Jinja finds it
        """Only dicts have something else than attributes behind a dot. Jinja's call for each is a tenth of a list."""
        if not isinstance(node.node, nodes.Name):
            super().visit_Getattr(node, frame)
            return
        self.write("(")
        self.visit(node.node, frame)
        self.write(f".{node.attr} if not isinstance(")
        self.visit(node.node, frame)
        self.write(", dict) else ")
        super().visit_Getattr(node, frame)
        self.write(")")

    def visit_Call(self, node: nodes.Call, frame: Any, forward_caller: bool = False) -> None:  # noqa: N802 - as Jinja calls it
        """Nothing that a template calls needs its context, so a call is Python's own: Jinja's costs as much as a small macro."""
        match node:
            case nodes.Call(node=nodes.Name() | nodes.Getattr() as called, dyn_kwargs=None):
                self._callable(called, frame)
                self.write("(")
                for argument in (*node.args, *node.kwargs):
                    self.visit(argument, frame)
                    self.write(", ")
                if node.dyn_args is not None:
                    self.write("*")
                    self.visit(node.dyn_args, frame)
                    self.write(", ")
                self.write("caller=caller)" if forward_caller else ")")
            case _:
                super().visit_Call(node, frame, forward_caller=forward_caller)

    def _callable(self, node: nodes.Name | nodes.Getattr, frame: Any) -> None:
        """A method even of a dict is its attribute."""
        if isinstance(node, nodes.Name):
            self.visit(node, frame)
            return
        self.visit(node.node, frame)
        self.write(f".{node.attr}")


class OneLanguage(Environment):
    """Its gettext is set before its first template is compiled."""

    code_generator_class = _Code

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """All templates have the same: Jinja would look through its map of maps for what one has of its own, at each import."""
        return self.globals if d is None else super().make_globals(d)

    def _generate(self, source: nodes.Template, *given: Any, **more: Any) -> str:
        gettext: Any = self.globals["gettext"]
        return super()._generate(
            _Known({"_": gettext, "gettext": gettext, "icon": self._icon}).visit(source), *given, **more
        )

    def _icon(self, name: str) -> str:
        module: Any = self.get_template("icons.html").module
        return module.icon(name)


class _Known(NodeTransformer):
    """Writes what these functions make of a text in the place of the call."""

    def __init__(self, functions: Mapping[str, Callable[[str], str]]) -> None:
        self._functions = functions

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the name by which Jinja finds it
        match self.generic_visit(node):
            case nodes.Call(
                node=nodes.Name(name=name), args=[nodes.Const(value=str(text))], kwargs=[], dyn_args=None
            ) if name in self._functions:
                return nodes.MarkSafe(nodes.Const(self._functions[name](text)), lineno=node.lineno)
            case other:
                return other
