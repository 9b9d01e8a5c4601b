"""Which client-id metadata documents are accepted."""

from collections.abc import Collection

from msgspec import Struct

from service.network import hosts
from service.network.fetching import Reach

ALL, OFF = "all", "off"


class Documents(Struct, frozen=True, kw_only=True):
    """`everybody`: those on the public internet. `hosts` are accepted by name, and may be on this machine or in a private network."""

    everybody: bool = True
    hosts: frozenset[str] = frozenset()

    @property
    def any(self) -> bool:
        return self.everybody or bool(self.hosts)

    def reach(self, host: str) -> Reach | None:
        """Return where the host of a document may be; None: its documents are not accepted."""
        if host in self.hosts:
            return "trusted"
        return "public" if self.everybody else None


def read(text: str) -> tuple[Documents, list[str]]:
    """Read `all`, `off` or a list of hosts, to which `all` may belong. Return the faults, too."""
    parts = frozenset(filter(None, (part.strip().lower() for part in text.split(","))))
    if parts == frozenset({OFF}):
        return Documents(everybody=False), []
    named = parts - {ALL}
    return Documents(everybody=ALL in parts, hosts=named), _faults(named)


def _faults(named: Collection[str]) -> list[str]:
    if OFF in named:
        return [f"has {OFF} beside other parts; it stands alone"]
    found = [(host, hosts.fault(host)) for host in sorted(named)]
    return [
        f"{host} {fault}; name {ALL}, {OFF}, or hosts alone, such as apps.example.com" for host, fault in found if fault
    ]
