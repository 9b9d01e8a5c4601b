"""The description of one operation: a row of the tables in this package."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from service.problems import Problem

JSON = "application/json"


class Parameter(Struct, frozen=True, kw_only=True):
    """`schema` is JSON Schema. A path parameter is always required."""

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
    """The body of a request: its struct, and named examples."""

    shape: Any
    media: str = JSON
    required: bool = True
    description: str = ""
    examples: Mapping[str, Example] = {}


class ResponseSpec(Struct, frozen=True, kw_only=True):
    """`shape` is the type of the body, or several possible types, or a JSON Schema. `headers` are names in `parts.HEADERS`."""

    status: int = 200
    description: str
    shape: Any = None
    media: str = JSON
    headers: tuple[str, ...] = ()
    example: Any = None
    leads_to: Mapping[str, Mapping[str, str]] = {}
    """Operations that use this response: by operation_id, each of their parameters and where its value is."""


class Operation(Struct, frozen=True, kw_only=True):
    """`scope` is the one that the caller's token needs; None if there is no bearer token."""

    method: Literal["get", "post", "put", "patch", "delete"]
    path: str
    operation_id: str
    summary: str
    tag: str
    description: str = ""
    scope: str | None = None
    proves_client: bool = False
    bearer: bool = False
    """Whether it requires an access token, outside the management API."""
    request: Content | None = None
    parameters: tuple[Parameter, ...] = ()
    answers: tuple[ResponseSpec, ...]
    refusals: tuple[type[Problem], ...] = ()
    for_people: bool = True
    """Whether /docs shows it. The document always contains it."""
