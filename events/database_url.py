"""Reads a database URL as libpq does (PostgreSQL 18, section 32.1.2). A parameter that is not supported is refused by its name."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct

UNDERSTOOD = frozenset(
    (
        *("host", "port", "dbname", "user", "password", "passfile", "service", "options", "application_name"),
        *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version"),
        *("target_session_attrs", "connect_timeout", "krbsrvname", "gsslib"),
    )
)
MOOT: Mapping[str, tuple[str, ...] | None] = {
    "keepalives": None,  # A connection that is silent for 15 seconds counts as lost anyway.
    "keepalives_idle": None,
    "keepalives_interval": None,
    "keepalives_count": None,
    "tcp_user_timeout": None,
    "fallback_application_name": None,
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("utf8", "utf-8", "auto"),
    "gssencmode": ("disable", "prefer"),
    "load_balance_hosts": ("disable",),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
"""The parameters that have no effect here, and the values that are accepted (None: any)."""

INSTEAD: Mapping[str, str] = {
    "channel_binding": "its driver cannot bind a login to the TLS channel; sslmode=verify-full proves the server too",
    "client_encoding": "it speaks UTF8",
    "hostaddr": "write the address as the host",
    "load_balance_hosts": "it tries the hosts in their order, for only one of them is the primary",
}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
WRITABLE = ("any", "primary", "read-write")
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
SYSTEM = "system"
"""The value of sslrootcert for the authorities that this machine trusts."""

_is_name = re.compile(r"[a-z_]{1,40}").fullmatch
_hosts = re.compile(r"(\[[^\]]*\]|[^:,\[\]]*)(?::([^,]*))?(?:,|$)").findall


class WrongUrl(Exception):
    """The URL cannot be used. Each fault continues a sentence about the URL, and contains nothing that can be secret."""

    def __init__(self, *faults: str) -> None:
        super().__init__("The URL of the database " + "; ".join(faults))
        self.faults = faults


class Host(Struct, frozen=True):
    """One host of the database: its name for messages, and a URL for the driver."""

    name: str
    url: str

    def __repr__(self) -> str:
        return f"Host({self.name!r})"


class DatabaseUrl(Struct, frozen=True, kw_only=True):
    """`hosts` are tried in this order; `timeout` (seconds) is for each."""

    hosts: tuple[Host, ...]
    timeout: float | None
    trusts_system: bool
    files: Mapping[str, str]


@lru_cache(maxsize=8)
def parsed(url: str) -> DatabaseUrl:
    """Returns the parsed URL. Raises WrongUrl with every fault."""
    try:
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise WrongUrl("is not a URL") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise WrongUrl("does not begin with postgresql://")
    login, _, netloc = parts.netloc.rpartition("@")
    places = _places(netloc, asked)
    if faults := _faults(asked):
        raise WrongUrl(*faults)
    start = f"{parts.scheme}://{login}@" if login else f"{parts.scheme}://"
    query = _for_driver(asked, several=len(places) > 1)
    timeout = int(asked.get("connect_timeout") or 0)
    return DatabaseUrl(
        hosts=tuple(_host(start, parts.path, place, query) for place in places),
        timeout=timeout if timeout > 0 else None,
        trusts_system=asked.get("sslrootcert") == SYSTEM,
        files={name: asked[name] for name in FILES if asked.get(name) not in (None, "", SYSTEM)},
    )


def _places(netloc: str, asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns (host, port) of each host; either is empty if the URL does not contain it. Raises WrongUrl."""
    found = _hosts(netloc)[:-1] if netloc else []
    if netloc and "".join(f"{host}{port and ':'}{port}" for host, port in found) != netloc.replace(",", ""):
        raise WrongUrl("has an invalid host")
    hosts = [unquote(host) for host, _ in found] or (asked["host"].split(",") if asked.get("host") else [""])
    own = [unquote(port) for _, port in found]
    shared = asked.get("port", "").split(",")
    ports = own if any(own) else shared * len(hosts) if len(shared) == 1 else shared
    if len(ports) != len(hosts):
        raise WrongUrl(f"has {len(hosts)} hosts and {len(ports)} ports")
    if len(hosts) > 1 and not all(hosts):
        raise WrongUrl("has an empty host in its list")
    if any(port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536) for port in ports):
        raise WrongUrl("has an invalid port")
    return list(zip(hosts, ports, strict=True))


def _faults(asked: Mapping[str, str]) -> list[str]:
    faults = [fault for name, value in asked.items() if (fault := _fault(name, value))]
    if asked.get("sslmode", "prefer") not in SSL_MODES:
        faults.append(f"has an sslmode that is none of {', '.join(SSL_MODES)}")
    if asked.get("target_session_attrs", "any") not in WRITABLE:
        faults.append(f"has a target_session_attrs that is none of {', '.join(WRITABLE)}, for Muniment writes")
    if not asked.get("connect_timeout", "0").removeprefix("-").isdecimal():
        faults.append("has a connect_timeout that is not a whole number of seconds")
    if asked.get("sslrootcert") == SYSTEM and asked.get("sslmode", "verify-full") != "verify-full":
        faults.append("has sslrootcert=system, which goes with sslmode=verify-full only")
    return faults


def _fault(name: str, value: str) -> str | None:
    """Returns what is wrong with a parameter that the driver does not support, or None."""
    if name in UNDERSTOOD:
        return None
    if not _is_name(name):
        return "has a parameter with an invalid name"
    if name not in MOOT:
        return f"has the parameter {name}, which Muniment does not support: {INSTEAD.get(name, 'leave it out')}"
    good = MOOT[name]
    if good is None or value.lower() in good:
        return None
    return f"has a {name} other than {' or '.join(good)}, which Muniment does not support: {INSTEAD.get(name, 'leave it out')}"


def _for_driver(asked: Mapping[str, str], *, several: bool) -> dict[str, str]:
    """Returns the parameters for asyncpg, which sends every unknown one to the server as a setting."""
    gone = {"host", "port", "connect_timeout", *MOOT}
    if asked.get("sslrootcert") == SYSTEM:
        gone |= {"sslrootcert", "sslmode"}
    query = {
        "application_name": "muniment",
        **{name: value for name, value in asked.items() if name not in gone and value},
    }
    if several and query.get("target_session_attrs", "any") == "any":
        query["target_session_attrs"] = "primary"
    return query


def _host(start: str, path: str, place: tuple[str, str], query: dict[str, str]) -> Host:
    host, port = place
    # The host is a directory with a socket. If it is empty, asyncpg uses PGHOST or its defaults.
    if not host or host.startswith("/"):
        where = {name: value for name, value in (("host", host), ("port", port)) if value}
        told = "&".join(f"{name}={quote(value, safe='')}" for name, value in {**where, **query}.items())
        return Host(host or "the usual places", f"{start}{path}?{told}" if told else f"{start}{path}")
    netloc = f"{host}:{port}" if port else host
    told = urlencode(query, quote_via=quote)
    return Host(netloc, f"{start}{netloc}{path}?{told}" if told else f"{start}{netloc}{path}")
