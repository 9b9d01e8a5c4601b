"""The members of client metadata: their types, and how they are read from a JSON text. It has no I/O."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, cast

from msgspec import Meta, Struct, ValidationError, convert, structs

from service.oauth.errors import InvalidClientMetadata, InvalidRedirectUri
from service.values.credential_form import has_credential
from service.values.malformed import MALFORMED
from service.values.strict_json import check_characters, decode
from service.values.text import unseen

LONGEST_NAME = 80
MOST_TWICE = 20
MOST_FAULTS = 30
LONGEST_FAULTS = 4000
MOST_CHARACTERS = 16_000
"""Of the members together: each change adds them to the log, which keeps them for ever."""

Text = Annotated[str, Meta(max_length=255)]
Uri = Annotated[str, Meta(max_length=2000)]
Texts = Annotated[list[Text], Meta(max_length=20)]
Uris = Annotated[list[Uri], Meta(max_length=20)]


class Members(Struct, frozen=True, kw_only=True):
    """The members that this server reads, each of its type. None and "" stand for one that was omitted."""

    redirect_uris: Uris = []
    client_name: Text | None = None
    grant_types: Texts = []
    response_types: Texts = []
    scope: Annotated[str, Meta(max_length=2000)] | None = None
    token_endpoint_auth_method: Text | None = None
    application_type: Text | None = None
    contacts: Texts = []
    client_uri: Uri | None = None
    logo_uri: Uri | None = None
    policy_uri: Uri | None = None
    tos_uri: Uri | None = None
    initiate_login_uri: Uri | None = None
    software_id: Text | None = None
    software_version: Text | None = None
    subject_type: Text | None = None
    id_token_signed_response_alg: Text | None = None
    post_logout_redirect_uris: Uris = []
    backchannel_logout_uri: Uri | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: Uri | None = None
    dpop_bound_access_tokens: bool | None = None
    require_pushed_authorization_requests: bool | None = None
    require_signed_request_object: bool | None = None
    request_object_signing_alg: Text | None = None
    authorization_signed_response_alg: Text | None = None
    userinfo_signed_response_alg: Text | None = None
    request_uris: Uris = []
    default_max_age: Annotated[int, Meta(ge=0, le=999_999_999)] | None = None
    require_auth_time: bool | None = None


class Faults:
    """What is wrong, by the member."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}

    def add(self, name: str, fault: str) -> None:
        self.of.setdefault(name, []).append(fault)

    def refusal(self) -> InvalidRedirectUri | InvalidClientMetadata:
        sentences = [f"{name} {fault}" for name, found in self.of.items() for fault in found]
        more = len(sentences) - MOST_FAULTS
        text = "; ".join(sentences[:MOST_FAULTS])[:LONGEST_FAULTS] + (f"; and {more:,} more faults" if more > 0 else "")
        kind = InvalidRedirectUri if set(self.of) == {"redirect_uris"} else InvalidClientMetadata
        return kind(f"The client metadata has faults: {text}.")


def parse(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object, each of which it has once. Raises InvalidClientMetadata."""
    twice: list[str] = []
    try:
        read = decode(body, twice.append)
        check_characters(body, read)
    except UnicodeDecodeError as fault:
        raise InvalidClientMetadata("The client metadata is not UTF-8.") from fault
    except UnicodeEncodeError as fault:
        raise InvalidClientMetadata("The client metadata has half a character (a lone surrogate).") from fault
    except MALFORMED as fault:
        raise InvalidClientMetadata("The client metadata is not JSON.") from fault
    if not isinstance(read, dict):
        raise InvalidClientMetadata("The client metadata must be a JSON object.")
    if twice:
        names = ", ".join(name[:LONGEST_NAME] for name in twice[:MOST_TWICE])
        raise InvalidClientMetadata(f"The client metadata has members more than once: {names}.")
    return cast("dict[str, Any]", read)


def read(given: Mapping[str, Any]) -> tuple[Members, Faults]:
    """Return the members that have no fault, and the faults of the others by their names."""
    good: dict[str, Any] = {}
    faults = Faults()
    for field in structs.fields(Members):
        value = given.get(field.name)
        if value is None:
            continue
        try:
            good[field.name] = convert(value, field.type)
        except ValidationError as fault:
            faults.add(field.name, _sentence(str(fault)))
            continue
        if not isinstance(good[field.name], int | dict) and (odd := _odd(good[field.name])):
            del good[field.name]
            faults.add(field.name, odd)
    return Members(**good), faults


def check_length(members: Members) -> None:
    """Raises InvalidClientMetadata."""
    try:
        length = len(json.dumps(structs.asdict(members), ensure_ascii=False))
    except MALFORMED as fault:  # nested more deeply than it can be written
        raise InvalidClientMetadata("The client metadata is not JSON.") from fault
    if length > MOST_CHARACTERS:
        raise InvalidClientMetadata(f"The client metadata is longer than {MOST_CHARACTERS:,} characters.")


def _odd(value: str | list[str]) -> str | None:
    """Return what is wrong with the characters of a text or of a list of texts."""
    texts = [value] if isinstance(value, str) else value
    if has_credential(texts):
        return "contains a secret or a token, which would stay in the log for ever"
    found = next(filter(None, map(unseen, texts)), None)
    return found and f"contains a character that is not allowed in text: {found}"


def _sentence(fault: str) -> str:
    return fault.replace("Expected", "must be", 1).replace(" | null", "", 1).replace("`", "")
