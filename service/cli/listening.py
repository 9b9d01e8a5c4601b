"""The sockets of the service: taken before anything is made, and held until the service answers on them."""

import errno
import socket
from collections.abc import Sequence

from service.cli.opening import Plainly
from service.configuration.settings import Settings

EVERYWHERE = ("::", "0.0.0.0")  # noqa: S104
NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listening(settings: Settings) -> list[socket.socket]:
    """One for each address, in the order of the setting. Raises Plainly when an address is not ours to take."""
    return _listening(settings.hosts, settings.port, "PORT=8001 make serve")


def listening_for_metrics(settings: Settings) -> list[socket.socket]:
    """The sockets of the metrics. There are none if they are not shown. Raises Plainly when an address is not ours to take."""
    if settings.metrics_address is None:
        return []
    host, port = settings.metrics_address
    return _listening([host], port, "MUNIMENT_METRICS_ADDRESS=127.0.0.1:9465")


def _listening(hosts: Sequence[str], port: int, example: str) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    for host in hosts:
        # A socket for each kind of address, so that callers by IPv4 are not shown by IPv6's names for them.
        for each in EVERYWHERE if host == "::" else (host,):
            try:
                sockets += _bound(each, port, sockets)
            except OSError as fault:
                if each != host and fault.errno in NOT_HERE:
                    continue  # a machine without IPv4
                at = f"{each}, port {port}"
                raise Plainly(f"cannot answer on {at}: {fault.strerror}. Choose another: {example}") from fault
    return sockets


def urls(sockets: list[socket.socket]) -> list[str]:
    names = [each.getsockname()[:2] for each in sockets]
    return [f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host, port in names]


def _bound(host: str, port: int, before: list[socket.socket]) -> list[socket.socket]:
    """At all addresses of the host that this machine has. Raises OSError when it has none."""
    taken = {each.getsockname() for each in before}
    sockets, refused = list[socket.socket](), list[OSError]()
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        if address in taken:
            continue
        # It says that it is TCP: the event loop sends small answers at once (TCP_NODELAY) only on sockets that name TCP.
        one = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
        except OSError as fault:
            one.close()
            if fault.errno not in NOT_HERE:
                raise
            refused.append(fault)
        else:
            sockets.append(one)
    if refused and not sockets:
        raise refused[0]
    return sockets
