"""Settings come from the environment only. Wrong values are refused at start, all at once, each with a sentence."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from service.configuration.environment import Environment
from service.configuration.upstream import Upstream

A_DAY = 86_400
LONGEST_TOKEN = A_DAY
LONGEST_SESSION = 90 * A_DAY
UPSTREAM = ("MUNIMENT_UPSTREAM_ISSUER", "MUNIMENT_UPSTREAM_CLIENT_ID", "MUNIMENT_UPSTREAM_CLIENT_SECRET")
REQUIRE_PKCE = ("public", "all")
LOG_FORMATS = ("auto", "text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


class WrongSettings(Exception):
    """Some settings cannot be used; the text has a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(Struct, frozen=True, kw_only=True):
    """The settings. `master_key` is None if it is to be made, or read, in the data directory. `embedded` means that the database is the
    embedded one, whose URL is known only when it runs.
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
    """Raises WrongSettings, which names every fault at once. With `needs_key`, an external database requires the master key."""
    asked = Environment(environment)
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
