"""Read a JSON body into a boundary struct: strictly, and name every fault at once."""

import json
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Generic, Literal, TypeVar, cast, get_args, get_origin

from msgspec import Struct, ValidationError, convert, structs
from msgspec.structs import FieldInfo

from service.problems import Invalid, NotJson
from service.values.credential_form import has_credential
from service.values.malformed import MALFORMED
from service.values.strict_json import decode
from service.values.text import name_fault, unseen

Shape = TypeVar("Shape", bound=Struct)

PASSWORD = "password"  # noqa: S105 - the name of the field
SECRETS = (PASSWORD, "clientSecret", "clientSecretHash", "credential")
"""The fields that are secrets themselves."""

NAMES = frozenset({"displayName", "firstName", "lastName", "secretName", "name"})
MOST_STRANGE = 20
"""How many unknown names one refusal repeats. Without this limit it would be many times as long as the request."""

LONGEST_NAME = 80
_as_json = json.JSONEncoder(ensure_ascii=False).encode
JSON = "application/json"
_MERGE_TYPES = (JSON, "application/merge-patch+json")


class Fields(Generic[Shape]):
    """The fields of one request: the valid ones, and what is wrong with the others. Endpoints may add faults of their own."""

    def __init__(self, shape: type[Shape], content_type: str | None, body: bytes) -> None:
        """Raises NotJson, and Invalid if the body is not a JSON object."""
        if content_type != JSON and (content_type or "").partition(";")[0].strip().lower() not in _MERGE_TYPES:
            raise NotJson("Send the body as Content-Type: application/json.")
        self.errors: dict[str, list[str]] = {}
        self._known = _fields(shape)
        self._strange: set[str] = set()
        self._shape = shape
        self._values: dict[str, Any] = {}
        self._whole: Shape | None = None
        self.good: Callable[[str], Any] = self._values.get
        """Return the value of a field that has no fault so far, or None."""
        self._read(body)

    @property
    def names(self) -> AbstractSet[str]:
        """The names of the fields that have no fault so far."""
        return self._values.keys()

    def fault(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)

    def done(self) -> Shape:
        """Return the whole request. Raises Invalid if it has a fault."""
        if self.errors:
            raise Invalid(
                f"The request has faults in: {named(self.errors, len(self._strange))}. See errors.", self.errors
            )
        assert self._whole is not None  # each field is right, and an endpoint may only add faults
        return self._whole

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            read = decode(body, lambda name: self._fault_of_any(name, "is given more than once"))
        except UnicodeDecodeError as fault:
            raise Invalid("The body is not UTF-8.") from fault
        except MALFORMED as fault:
            raise Invalid("The body is not JSON.") from fault
        if not isinstance(read, dict):
            raise Invalid("The body must be a JSON object.")
        return cast("dict[str, Any]", read)

    def _read(self, body: bytes) -> None:
        given = self._object(body)
        if strange := given.keys() - self._known.keys():
            self._refuse_strange([name for name in given if name in strange])
        # A field that was given more than once has a fault already, and none of its values is used.
        wrong = strange or self.errors
        usable = (
            {n: value for n, value in given.items() if n not in strange and n not in self.errors} if wrong else given
        )
        is_plain = _is_plain(body)
        for name, value in usable.items():
            if not is_plain:
                self._check_text(name, value)
            if name in NAMES and name not in self.errors:
                self._check_name(name, value)
        if self.errors or not self._take_all(usable):
            self._take_each(usable)
            for name in _required(self._shape):
                if name not in given and name not in self.errors:
                    self.fault(name, "is required")

    def _refuse_strange(self, names: list[str]) -> None:
        known = f"; its fields are: {', '.join(self._known)}"
        for name in names:
            self._fault_of_any(name, f"is not a field of this request{known}")
            known = ""  # said once, for they are many

    def _fault_of_any(self, name: str, message: str) -> None:
        """Record the fault of a field, known or not. A stranger chose the unknown names, so only the first of them are repeated."""
        if name in self._known:
            self.fault(name, message)
            return
        self._strange.add(name)
        if len(self._strange) <= MOST_STRANGE:
            self.fault(shown(name), message)

    def _check_text(self, name: str, value: Any) -> None:
        if (odd := _odd_character(value, secret=name == PASSWORD)) is not None:
            self.fault(name, f"contains a character that is not allowed in text: {odd}")
        elif name not in SECRETS and has_credential(_texts_in(value)):
            self.fault(name, "contains a secret or a token, which would stay in the log for ever")

    def _check_name(self, name: str, value: Any) -> None:
        if isinstance(value, str) and (fault := name_fault(value)):
            self.fault(name, fault)

    def _take_all(self, given: dict[str, Any]) -> bool:
        """Convert the whole request at once; False, and nothing is taken, if something of it has a fault."""
        try:
            whole = convert(given, self._shape)
        except (ValidationError, UnicodeEncodeError):
            return False
        self._whole, known = whole, self._known
        self._values.update({name: getattr(whole, known[name].name) for name in given})
        return True

    def _take_each(self, given: dict[str, Any]) -> None:
        for name in [name for name in given if name not in self.errors]:
            self._take(name, given[name], self._known[name].type)

    def _take(self, name: str, value: Any, kind: Any) -> None:
        try:
            self._values[name] = convert(value, kind)
        except ValidationError as fault:
            self.fault(name, _sentence(str(fault), kind))
        except UnicodeEncodeError:  # half a character (a lone surrogate) in the name of a nested field
            self.fault(name, "contains a field whose name is not text")


@cache
def _fields(shape: type[Struct]) -> dict[str, FieldInfo]:
    return {field.encode_name: field for field in structs.fields(shape)}


@cache
def _required(shape: type[Struct]) -> tuple[str, ...]:
    return tuple(name for name, field in _fields(shape).items() if field.required)


_PLAIN = bytes(range(ord(" "), ord("~") + 1)).replace(b"\\", b"")


def _is_plain(body: bytes) -> bool:
    """Whether the body is printable ASCII without escapes, in which nothing looks like a credential: one look at it, not one at each field.

    In JSON without escapes a text stands as it is, between quotation marks, which are no part of a credential.
    """
    return not body.translate(None, _PLAIN) and not has_credential((body.decode("ascii"),))


def _texts_in(value: Any) -> tuple[str, ...]:
    """Return what may have a credential in it: the text, or the JSON of what has texts inside."""
    if isinstance(value, str):
        return (value,)
    return (_as_json(value),) if isinstance(value, list | dict) else ()


WORDS = {
    "Expected `bool | null`": "must be true, false or null",
    "Expected `bool`": "must be true or false",
    "Invalid RFC3339 encoded datetime": "must be a time such as 2027-01-01T00:00:00Z",
    "Expected": "must be",
}


def _values(kind: Any) -> list[str]:
    """Return the texts of the Literal in a type, however it is annotated."""
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [value for part in get_args(kind) for value in _values(part)]


def _odd_character(value: Any, *, secret: bool) -> str | None:
    """Return the first character that is not allowed in a text, or in a list of texts."""
    texts = cast("list[Any]", value) if isinstance(value, list) else [value]
    return next(filter(None, (unseen(text, secret=secret) for text in texts if isinstance(text, str))), None)


def shown(name: str) -> str:
    """Make a name safe to show, because a stranger chose it."""
    return name[:LONGEST_NAME].encode("unicode_escape").decode("ascii")[:LONGEST_NAME]


def named(names: Iterable[str], strange: int) -> str:
    """List these names in a sentence, and count the rest: at most MOST_STRANGE of the `strange` unknown names are among them."""
    more = strange - MOST_STRANGE
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def _sentence(fault: str, kind: Any) -> str:
    """Return msgspec's message without its typography. For a Literal, name the allowed values."""
    if fault.startswith("Invalid enum value") and (values := _values(kind)):
        return f"must be one of: {', '.join(values)}"
    for theirs, ours in WORDS.items():
        fault = fault.replace(theirs, ours, 1)
    return fault.replace("`", "")
