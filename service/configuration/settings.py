"""Settings come from the environment only; every wrong value is refused at start, all of them at once, each with a sentence."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from service.configuration import database, upstream
from service.configuration.kubernetes import is_service_variable
from service.configuration.upstream import Upstream
from service.crypto.base64url import of_text
from service.network import hosts

MOST_DIGITS = 9
A_DAY = 86_400
DEFAULT_PORTS = {"https": 443, "http": 80}
LONGEST_TOKEN = A_DAY
LONGEST_SESSION = 90 * A_DAY
ACCESS_TOKEN_ALGS = {"es256": "ES256", "rs256": "RS256", "eddsa": "EdDSA"}
UPSTREAM = ("MUNIMENT_UPSTREAM_ISSUER", "MUNIMENT_UPSTREAM_CLIENT_ID", "MUNIMENT_UPSTREAM_CLIENT_SECRET")
UPSTREAM_CLAIMS, UPSTREAM_SCOPE = "MUNIMENT_UPSTREAM_CLAIMS", "MUNIMENT_UPSTREAM_SCOPE"
REQUIRE_PKCE = ("public", "all")
LOG_FORMATS = ("auto", "text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


class WrongSettings(Exception):
    """Some settings cannot be used; the text has a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment says. `master_key` is None when it is to be made, or read, in the data directory; `embedded`
    says that the database is our own, whose URL is known once it runs.
    """

    hosts: tuple[str, ...]
    port: int
    data: Path
    database_url: str | None
    embedded: bool
    issuer: str
    audience: str
    access_token_alg: str
    pkce_of_all: bool
    master_key: bytes | None
    token_lifetime: int
    session_lifetime: int
    rate_limit: int
    failed_auth_limit: int
    keep_alive: int
    trusted_proxies: str
    insecure_http_hosts: frozenset[str] = frozenset()
    postgres_bin: Path | None
    log_level: str
    log_format: str
    upstream: Upstream | None = None

    def __repr__(self) -> str:
        return f"Settings(issuer={self.issuer!r}, data={str(self.data)!r})"


def read_settings(environment: Mapping[str, str], *, needs_key: bool = True) -> Settings:
    """Raises WrongSettings, naming every fault at once. Without `needs_key`, a database of one's own does without the master key."""
    asked = _Asked(environment)
    insecure = asked.hosts("MUNIMENT_INSECURE_HTTP_HOSTS")
    port = asked.number("PORT", 8000, 1, 65535)
    issuer = asked.issuer("MUNIMENT_ISSUER", f"http://127.0.0.1:{port}", insecure)
    database_url = asked.database_url("MUNIMENT_DATABASE_URL")
    settings = Settings(
        hosts=asked.listed("MUNIMENT_HOST", "127.0.0.1"),
        port=port,
        data=Path(asked.text("MUNIMENT_DATA", ".muniment")).absolute(),
        database_url=database_url,
        embedded=database_url is None,
        issuer=issuer,
        audience=asked.text("MUNIMENT_AUDIENCE", issuer),
        access_token_alg=asked.access_token_alg("MUNIMENT_ACCESS_TOKEN_ALG"),
        pkce_of_all=asked.one_of("MUNIMENT_REQUIRE_PKCE", "public", REQUIRE_PKCE) == "all",
        master_key=asked.master_key("MUNIMENT_MASTER_KEY", required=needs_key and database_url is not None),
        token_lifetime=asked.number("MUNIMENT_TOKEN_LIFETIME", 3600, 60, LONGEST_TOKEN),
        session_lifetime=asked.number("MUNIMENT_SESSION_LIFETIME", 14 * A_DAY, 300, LONGEST_SESSION),
        rate_limit=asked.number("MUNIMENT_RATE_LIMIT", 600, 0, 1_000_000),
        failed_auth_limit=asked.number("MUNIMENT_FAILED_AUTH_LIMIT", 30, 0, 1_000_000),
        keep_alive=asked.number("MUNIMENT_KEEP_ALIVE", 75, 1, 3600),
        trusted_proxies=asked.networks("MUNIMENT_TRUSTED_PROXIES"),
        insecure_http_hosts=insecure,
        postgres_bin=asked.directory("MUNIMENT_POSTGRES_BIN"),
        log_level=asked.one_of("MUNIMENT_LOG_LEVEL", "info", LOG_LEVELS),
        log_format=asked.one_of("MUNIMENT_LOG_FORMAT", "auto", LOG_FORMATS),
        upstream=asked.upstream(*UPSTREAM, insecure=insecure),
    )
    asked.no_stranger()
    if asked.faults:
        raise WrongSettings(asked.faults)
    return settings


def decode_master_key(text: str) -> bytes | None:
    """32 bytes from base64url (with or without padding), or None when the text is something else."""
    key = of_text(text)
    return key if key is not None and len(key) == 32 else None


class _Asked:
    """Reads one setting after another and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: set[str] = {"MUNIMENT_NEW_MASTER_KEY"}
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        self._known.add(name)
        return self._environment.get(name, "").strip() or default

    def listed(self, name: str, default: str) -> tuple[str, ...]:
        """The parts between the commas, each once."""
        parts = [part.strip() for part in self.text(name, default).split(",")]
        if not all(parts):
            self.faults.append(
                f"{name} has an empty part; between the commas stand addresses such as 127.0.0.1 or ::1."
            )
        return tuple(dict.fromkeys(filter(None, parts)))

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and least <= int(text) <= most:
            return int(text)
        self.faults.append(f"{name}={text} is not a whole number from {least} to {most}.")
        return default

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name, default).lower()
        if text not in choices:
            self.faults.append(f"{name}={text} is none of {', '.join(choices)}.")
        return text

    def access_token_alg(self, name: str) -> str:
        given = self.text(name, "ES256")
        if given.lower() not in ACCESS_TOKEN_ALGS:
            self.faults.append(f"{name}={given} is none of {', '.join(ACCESS_TOKEN_ALGS.values())}.")
        return ACCESS_TOKEN_ALGS.get(given.lower(), "ES256")

    def issuer(self, name: str, default: str, insecure: frozenset[str]) -> str:
        text = self.text(name, default)
        fault = _issuer_fault(text, insecure) or _origin_fault(text)
        if fault:
            shown = name if "@" in text else f"{name}={text}"  # what stands before an @ may be a password
            self.faults.append(f"{shown} {fault}.")
        return text

    def upstream(self, *names: str, insecure: frozenset[str]) -> Upstream | None:
        """All three, or none; the claims and the scope only with them."""
        given = {name: self.text(name, "") for name in names}
        claims, scope = self._upstream_claims(UPSTREAM_CLAIMS), self._upstream_scope(UPSTREAM_SCOPE)
        missing = [name for name, text in given.items() if not text]
        if len(missing) == len(names):
            self._no_more_than(names, UPSTREAM_CLAIMS, UPSTREAM_SCOPE)
            return None
        for name in missing:
            self.faults.append(f"{name} is missing; the three settings of the upstream OpenID Provider go together.")
        issuer, client_id, client_secret = given.values()
        # An issuer with a slash at its end is somebody else's good right.
        if issuer and (fault := _issuer_fault(issuer.removesuffix("/"), insecure)):
            shown = names[0] if "@" in issuer else f"{names[0]}={issuer}"
            self.faults.append(f"{shown} {fault}.")
        return Upstream(issuer=issuer, client_id=client_id, client_secret=client_secret, claims=claims, scope=scope)

    def _upstream_claims(self, name: str) -> Mapping[str, str]:
        claims, faults = upstream.mapped(self.text(name, ""))
        self.faults += [f"{name} {fault}." for fault in faults]
        return claims

    def _upstream_scope(self, name: str) -> str:
        text = self.text(name, upstream.SCOPE)
        if fault := upstream.scope_fault(text):
            self.faults.append(f"{name}={text} {fault}.")
        return " ".join(text.split())

    def _no_more_than(self, needed: tuple[str, ...], *names: str) -> None:
        for name in names:
            if self.text(name, ""):
                self.faults.append(f"{name} is set without an upstream OpenID Provider; set {', '.join(needed)} too.")

    def database_url(self, name: str) -> str | None:
        text = self.text(name, "")
        if not text:
            return None
        self.faults += database.faults(name, text, self._environment)
        return text

    def master_key(self, name: str, *, required: bool) -> bytes | None:
        text = self.text(name, "")
        if not text:
            if required:
                self.faults.append(f"{name} is required with MUNIMENT_DATABASE_URL; make one: openssl rand -base64 32")
            return None
        key = decode_master_key(text.replace("+", "-").replace("/", "_"))
        if key is None:
            self.faults.append(
                f"{name} is not 32 bytes in base64 (its value is not shown); make one: openssl rand -base64 32"
            )
        return key

    def networks(self, name: str) -> str:
        text = self.text(name, "")
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                ip_network(part)
            except ValueError:
                self.faults.append(f"{name}: {part} is not an address or a network such as 10.0.0.0/8.")
        return text

    def hosts(self, name: str) -> frozenset[str]:
        """Hosts without scheme and port, separated by commas."""
        named = frozenset(filter(None, (part.strip().lower() for part in self.text(name, "").split(","))))
        for host in sorted(named):
            fault = hosts.fault(host)
            if fault:
                self.faults.append(
                    f"{name}: {host} {fault}; name hosts alone, such as app or app.internal, without port."
                )
        return named

    def directory(self, name: str) -> Path | None:
        text = self.text(name, "")
        if text and not Path(text).is_dir():
            self.faults.append(f"{name}={text} is not a directory.")
        return Path(text) if text else None

    def no_stranger(self) -> None:
        for name in sorted(set(self._environment) - self._known):
            if name.startswith("MUNIMENT_") and not is_service_variable(name, self._environment[name]):
                instead = "; PORT is" if name == "MUNIMENT_PORT" else ""
                self.faults.append(
                    f"{name} is not a setting of Muniment{instead}; the README has the table of those there are."
                )


_url_characters = re.compile(r"[A-Za-z0-9\-._~:/\[\]%!$&'()*+,;=]*").fullmatch
"""Those of a URL without user, query and fragment."""


def _issuer_fault(text: str, insecure: frozenset[str]) -> str | None:
    """RFC 8414 section 2: an https URL without query or fragment; plain http for this machine and the hosts named insecure."""
    try:
        parts = hosts.split(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if not host or not _url_characters(text) or text.endswith("/"):
        return "is not a URL with a host and without user, query, fragment or a slash at its end"
    fault = hosts.fault(host)
    if fault:
        return f"has the host {host}, which {fault}"
    if {"", ".", ".."} & set(parts.path.split("/")[1:]):
        return "has // or a part of dots in its path, which proxies and clients shorten to another path"
    if parts.scheme == "https" or (parts.scheme == "http" and hosts.allows_http(host, insecure)):
        return None
    return "must be https (plain http is for 127.0.0.1, localhost and [::1] only, or a host in MUNIMENT_INSECURE_HTTP_HOSTS)"


def _origin_fault(issuer: str) -> str | None:
    """RFC 6454 section 4: browsers say where a form comes from in one way, and it is held against the issuer."""
    parts = urlsplit(issuer)
    if parts.netloc != parts.netloc.lower() or parts.port == DEFAULT_PORTS[parts.scheme]:
        return "must have its host in lower case, and no port where it is the one that its scheme has anyway"
    return None
