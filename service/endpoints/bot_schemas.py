"""Requests and responses about bots: one struct each."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from service.endpoints.client_fields import Created
from service.endpoints.fields import Fields
from service.values.text import EMAIL, NAME

_is_email = re.compile(EMAIL).fullmatch

PersonName = Annotated[str, Meta(max_length=100, extra_json_schema={"pattern": NAME})]


class CreateBotRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to create a bot, a subject that machine clients act as."""

    email: Annotated[
        str, Meta(max_length=255, description="Unique among all bots.", extra_json_schema={"pattern": EMAIL})
    ]
    first_name: PersonName | None = None
    last_name: PersonName | None = None


class Bot(Struct, frozen=True, kw_only=True, rename="camel"):
    """A subject that machine clients act as. Give its `id` as a client's `botUserId`."""

    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    full_name: str
    owner: Annotated[str, Meta(description="The `sub` of the caller who registered it.")]
    state: Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
    created_utc: Created


def check(fields: Fields[CreateBotRequest]) -> None:
    email = fields.good("email")
    if email is not None and not _is_email(email):
        fields.fault("email", "must be an e-mail address, such as crm-bot@example.com")
