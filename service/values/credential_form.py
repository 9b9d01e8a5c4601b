"""Texts in the form of a secret, a code or a token of this server. They must stand in no URL and in no event, which keeps them for ever."""

import re
from collections.abc import Iterable

_in_the_form = re.compile(
    r"(?<![A-Za-z0-9])(secret|code|device|refresh|whsec|initial|registration)_(?=[a-z0-9_-]{0,40}[A-Z])[A-Za-z0-9_+/-]{32}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
).search
"""Random text of this length has a capital letter, and the names that people make of such words have none."""


def has_credential(texts: Iterable[str]) -> bool:
    return _in_the_form("\n".join(texts)) is not None  # no such text has a line break
