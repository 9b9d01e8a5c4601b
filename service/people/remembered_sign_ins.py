"""The sign-ins that a process remembers, the oldest first. Each is as of a position of the log: who relies on one lets the commit find out
whether it still holds.
"""

from collections import OrderedDict
from hashlib import sha256

from projections.sign_ins import SignIn
from service.values.latest import put

MOST = 1000
"""Each takes about 3 kB, and up to 10 kB with consents."""

MOST_CONSENTS = 16
"""One for each API. A person may give any number, so who gave one client more is looked up each time."""

Key = tuple[bytes, str]
"""The SHA-256 of a cookie, which authenticates somebody and so is not kept, and the client of which the consents were read."""


class RememberedSignIns:
    """By cookies that authenticated their users. All are of one `epoch` of the log: after it lost history, its positions say nothing of what
    was read before.
    """

    def __init__(self) -> None:
        self._epoch = 0
        self._found: OrderedDict[Key, SignIn] = OrderedDict()

    def get(self, cookie: str, client_id: str, epoch: int) -> SignIn | None:
        return self._found.get(_key(cookie, client_id)) if epoch == self._epoch else None

    def keep(self, cookie: str, client_id: str, found: SignIn | None, epoch: int) -> None:
        """`epoch` is that of before it was read. Only an open session is remembered: others are not tried in vain again."""
        if epoch != self._epoch:
            self._epoch, self._found = epoch, OrderedDict()
        key = _key(cookie, client_id)
        if found is not None and found.session.state == "open" and len(found.consents) <= MOST_CONSENTS:
            put(self._found, key, found, MOST)
        else:
            self._found.pop(key, None)


def _key(cookie: str, client_id: str) -> Key:
    return sha256(cookie.encode()).digest(), client_id
