"""What there is to say about one operation: a row of the tables beside this file."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from service.problems import Problem

JSON = "application/json"


class Parameter(Struct, frozen=True, kw_only=True):
    """`schema` is JSON Schema; a parameter of the path is always required."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any]
    required: bool = False
    example: Any = None


class Example(Struct, frozen=True, kw_only=True):
    summary: str
    value: Any


class Content(Struct, frozen=True, kw_only=True):
    """The body of a request: the struct that it is read into, and named examples of it."""

    shape: Any
    media: str = JSON
    required: bool = True
    description: str = ""
    examples: Mapping[str, Example] = {}


class ResponseSpec(Struct, frozen=True, kw_only=True):
    """`shape` is the type that is encoded, or several that it may be, or a JSON Schema; `headers` are names in `parts.HEADERS`."""

    status: int = 200
    description: str
    shape: Any = None
    media: str = JSON
    headers: tuple[str, ...] = ()
    example: Any = None
    leads_to: Mapping[str, Mapping[str, str]] = {}
    """Operations that take what is answered here: by operation_id, each of their parameters and where its value stands."""


class Operation(Struct, frozen=True, kw_only=True):
    """`scope` is the one that the caller's token needs; None where there is no bearer token."""

    method: Literal["get", "post", "patch", "delete"]
    path: str
    operation_id: str
    summary: str
    tag: str
    description: str = ""
    scope: str | None = None
    proves_client: bool = False
    bearer: bool = False
    """Whether it takes an access token, outside of the management API."""
    request: Content | None = None
    parameters: tuple[Parameter, ...] = ()
    answers: tuple[ResponseSpec, ...]
    refusals: tuple[type[Problem], ...] = ()
    for_people: bool = True
    """Whether /docs shows it; the document always does."""
