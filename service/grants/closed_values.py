"""Which values of a query the log may keep for ever: those of a closed form, which can be neither a secret nor a person's data."""

import re
from typing import get_args

from events.codec import TYPES
from service.blast_radius.graph import Kind
from service.values.scopes import IDENTITY, OPERATORS

WORDS = frozenset(
    {
        *TYPES,
        *(kind.partition(".")[0] for kind in TYPES),
        *get_args(Kind),
        *OPERATORS,
        *IDENTITY,
        *("true", "false", "null"),
        *("newest", "oldest", "name", "name_descending", "recently_used", "long_unused"),
        *("active", "disabled", "deleted", "revoked", "given", "withdrawn", "published", "retired"),
        *("waiting", "approved", "denied", "expired"),
        *("secret", "bot", "audience", "scope"),
    }
)
NUMBERS = frozenset({"days", "expiresWithin", "limit", "maxSecretAgeDays", "maxTokenLifetime", "usageDays"})
"""The parameters that are numbers. In the place of an id, a number may be somebody's telephone number."""

_a_number = re.compile("[0-9]{1,18}").fullmatch
_id = r"[0-9a-f]{8}-[0-9a-f]{4}-[5-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|(oauth_client|bot|api)_[0-9a-f]{32}"
_closed = re.compile(
    rf"(actor:)?({_id})"
    r"|position:[0-9]{1,18}|(before|after)-[0-9]{1,18}"
    r"|\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?",
    re.ASCII,
).fullmatch
"""The versions of the UUIDs are those that this server makes. One of version 4 may be the secret of an imported client."""


def is_closed(name: str, text: str) -> bool:
    """Return whether the parameter's value, or each of its values between commas, has a closed form. JSON strings may be quoted."""
    return all(_is_one(name, each) for each in _plain(text).split(","))


def _is_one(name: str, text: str) -> bool:
    return text in WORDS or _closed(text) is not None or (name in NUMBERS and _a_number(text) is not None)


def _plain(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
