"""The options of a command as a request to the management API, so that the same rules hold for both."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType, json

from service.cli.fault import Plainly
from service.endpoints.fields import Fields
from service.problems import Invalid
from service.refusals import DomainRefusal
from service.values.text import printable

Shape = TypeVar("Shape", bound=Struct)
YesNo = Literal["yes", "no"] | None

IN_OPTIONS = {
    " (m2m: true)": "",
    " (m2m: false)": "",
    ", unless redirectUris is given or deviceGrant is true": ", unless --device-grant is yes",
    "is a bot that is not yours": "is a bot of another owner",
    'register with "public": true': "say --public",
    "exactly one of tlsClientAuthSubjectDn, …SanDns, …SanUri, …SanIp, …SanEmail": "--certificate-name",
}
"""How a fault speaks of options instead of fields."""

_SETTING = re.compile(r"\b(jwks|[a-z]+[A-Z][A-Za-z]*)\b(?:: (true|false|[a-z]+_[a-z_]+))?")


def flag(value: YesNo) -> bool | UnsetType:
    """Not given: UNSET."""
    return UNSET if value is None else value == "yes"


def fields_of(asked: Shape) -> Fields[Shape]:
    """The fields of the request, each checked as if it had come by HTTP. Raises Plainly."""
    return fields_from(type(asked), asked)


def fields_from(shape: type[Shape], given: object) -> Fields[Shape]:
    """The same for options whose values may be of other types than the request's. Raises Plainly."""
    try:
        body = json.encode(given)
    except UnicodeEncodeError as fault:
        raise Plainly("the options are not text in UTF-8") from fault
    return Fields(shape, "application/json", body)


def done(fields: Fields[Shape], options: Mapping[str, str]) -> Shape:
    """The whole request. Raises Plainly, which names every fault with its option; `options` has the option of each field."""
    try:
        return fields.done()
    except Invalid as fault:
        faults = fault.errors if isinstance(fault.errors, dict) else {"": [fault.detail]}
    said = [
        f"{options.get(name, name)} {in_options(each, options)}."
        for name, messages in faults.items()
        for each in messages
    ]
    raise Plainly("\n          ".join(map(printable, said)))


@contextmanager
def speaking_of(options: Mapping[str, str]) -> Generator[None]:
    """Refusals of `decide` name options instead of the fields of the API. Raises Plainly."""
    try:
        yield
    except DomainRefusal as fault:
        raise Plainly(in_options(fault.detail, options)) from fault


def in_options(text: str, options: Mapping[str, str]) -> str:
    """Return the text with the option of each field that it names."""
    for phrase, instead in IN_OPTIONS.items():
        text = text.replace(phrase, instead)

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        said = {"true": " yes", "false": " no", None: ""}.get(value, f" {value}")
        return f"{options[name]}{said}" if name in options else found.group()

    return _SETTING.sub(option, text)
