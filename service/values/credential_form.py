"""Texts in the form of a secret, a code or a token of this server. They must stand in no URL and in no event, which keeps them for ever."""

import re
from collections.abc import Iterable

_in_the_form = re.compile(
    r"(?<![A-Za-z0-9])(secret|code|device|refresh|whsec|initial|registration)_(?=[a-z0-9_-]{0,40}[A-Z])[A-Za-z0-9_+/-]{32}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
).search
"""Random text of this length has a capital letter, and the names that people make of such words have none."""


def has_credential(texts: Iterable[str]) -> bool:
    joined = "\n".join(texts)  # no such text has a line break
    # Most texts have neither the underscore of our prefixes nor the beginning of a JWT, and that is found out in a tenth of the time.
    return ("_" in joined or "eyJ" in joined) and _in_the_form(joined) is not None
