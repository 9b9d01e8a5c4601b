"""JSON Schema of the structs of requests and responses: msgspec's, shortened, with the rules that a type cannot express."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from msgspec import UNSET, Struct, json, structs

from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.client_settings import USUAL_LOGIN
from service.openapi.forms import FORM, IntrospectionRequest, RevocationRequest, TokenRequest
from service.openapi.grant_forms import (
    AssertionRequest,
    AuthorizationCodeRequest,
    DeviceTokenRequest,
    RefreshTokenRequest,
    TokenExchangeRequest,
)
from service.problems import Body

TEMPLATE = "#/components/schemas/{name}"
NAMES: Mapping[str, str] = {Body.__name__: "Problem"}
"""Classes that have another name in the document."""


def _alone(value: str | bool | list[str] | None) -> Mapping[str, Any]:
    """Return the schema of this value only; a list means an empty one."""
    if value is None:
        return {"type": "null"}
    return {"maxItems": 0} if isinstance(value, list) else {"const": value}


M2M: Mapping[str, Any] = {
    "if": {"properties": {"m2m": {"const": True}}},
    "then": {
        "required": ["botUserId"],
        "properties": {
            "botUserId": {"type": "string"},
            **{name: _alone(usual) for name, usual in USUAL_LOGIN.items()},
        },
    },
    "else": {
        "allOf": [
            {
                "anyOf": [
                    {"required": ["redirectUri"], "properties": {"redirectUri": {"type": "string"}}},
                    {"required": ["redirectUris"], "properties": {"redirectUris": {"minItems": 1}}},
                ]
            },
            {
                "anyOf": [
                    {"properties": {"public": {"const": False}}},
                    {"properties": {"requirePkce": {"enum": [True, None]}}},
                ]
            },
        ],
    },
}
"""A machine client needs a bot, and has no login settings; an interactive client needs a redirect URI; a public client needs PKCE."""

MORE: Mapping[type, Mapping[str, Any]] = {
    CreateOAuthClientRequest: M2M,
    TokenRequest: FORM,
    AuthorizationCodeRequest: FORM,
    RefreshTokenRequest: FORM,
    TokenExchangeRequest: FORM,
    AssertionRequest: FORM,
    DeviceTokenRequest: FORM,
    IntrospectionRequest: FORM,
    RevocationRequest: FORM,
}

Schema = dict[str, Any]


class Shapes:
    """The schema of each of these types, and the components that they refer to. A shape that is not a type is already a schema."""

    def __init__(self, asked: Iterable[Any], answered: Iterable[Any]) -> None:
        answers = _types(answered)
        kinds = list(dict.fromkeys((*_types(asked), *answers)))
        schemas, components = json.schema_components(kinds, ref_template=TEMPLATE)
        self._schemas: dict[Any, Schema] = {k: _tidy(schema) for k, schema in zip(kinds, schemas, strict=True)}
        self.components: dict[str, Schema] = {NAMES.get(name, name): _tidy(c) for name, c in components.items()}
        for kind, more in MORE.items():
            self.components[kind.__name__] |= more
        for kind in answers:
            if isinstance(kind, type) and issubclass(kind, Struct):
                self.components[NAMES.get(kind.__name__, kind.__name__)]["required"] = _always_there(kind)

    def of(self, shape: Any) -> Schema:
        if isinstance(shape, dict):
            return cast("Schema", shape)
        if isinstance(shape, tuple):
            return {"oneOf": [self.of(one) for one in several(shape)]}
        return self._schemas[shape]


def several(shape: Any) -> tuple[Any, ...]:
    """Return the types that the shape may be."""
    return cast("tuple[Any, ...]", shape) if isinstance(shape, tuple) else (shape,)


def _types(shapes: Iterable[Any]) -> list[Any]:
    return [shape for shape in shapes if shape is not None and not isinstance(shape, dict)]


def _always_there(kind: type[Struct]) -> list[str]:
    """A field with a default may be omitted in a request, but is in every response, unless it is unset."""
    return [field.encode_name for field in structs.fields(kind) if field.default is not UNSET]


def _tidy(schema: Schema) -> Schema:
    """Shorten a schema: `anyOf` with null becomes a list of types, an enum of one value a const, and a default of null is left out."""
    tidied = {key: _tidied(value) for key, value in schema.items() if not (key == "default" and value is None)}
    match tidied:
        case {"anyOf": [{"type": str(kind), **rest}, {"type": "null"}], **beside}:
            return {**rest, **beside, "type": ["null", kind]}
        case {"enum": [only], **beside}:
            return {**beside, "const": only}
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return {**tidied, "$ref": TEMPLATE.format(name=NAMES.get(name, name))}
        case _:
            return tidied


def _tidied(value: Any) -> Any:
    match value:
        case dict():
            return _tidy(cast("Schema", value))
        case list():
            return [_tidied(one) for one in cast("list[Any]", value)]
        case _:
            return value
