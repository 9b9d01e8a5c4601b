"""Settings come from the environment only. Wrong values are refused at start, all at once, each with a sentence."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from events.transparency.quorum import Quorum
from service.configuration.documents import Documents
from service.configuration.environment import Environment
from service.configuration.upstream import Upstream
from service.configuration.webhook import Webhook
from service.configuration.witnesses import Witness
from service.tracing.variables import Traces

A_DAY = 86_400
LONGEST_TOKEN = A_DAY
LEEWAY_SECONDS = 5
"""How long after its `exp` we still accept an access token."""

LONGEST_SESSION = 90 * A_DAY
UPSTREAM = ("MUNIMENT_UPSTREAM_ISSUER", "MUNIMENT_UPSTREAM_CLIENT_ID", "MUNIMENT_UPSTREAM_CLIENT_SECRET")
WEBHOOK = ("MUNIMENT_AUDIT_WEBHOOK_URL", "MUNIMENT_AUDIT_WEBHOOK_SECRET")
REQUIRE_PKCE = ("public", "all")
SECOND_FACTOR = ("optional", "required")
CERTIFICATE_HEADERS = ("client-cert", "x-forwarded-client-cert", "x-ssl-client-cert")
CERTIFICATES = ("unverified", "verified")
LOG_FORMATS = ("auto", "text", "json")
SWITCH = ("off", "on")
OFF, TOKENS, OPEN = REGISTRATION = ("off", "tokens", "open")
LOG_LEVELS = ("debug", "info", "warning", "error")


class WrongSettings(Exception):
    """Some settings cannot be used; the text has a line for each. `rest` has the others, and defaults, for who only looks."""

    def __init__(self, faults: list[str], rest: "Settings | None" = None) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.rest = rest


class Settings(Struct, frozen=True, kw_only=True):
    """The settings. `master_key` is None if it is to be made, or read, in the data directory. `embedded` means that the database is the
    embedded one, whose URL is known only when it runs. `metrics_address` is None if metrics are not shown.
    """

    hosts: tuple[str, ...]
    port: int
    metrics_address: tuple[str, int] | None = None
    data: Path
    database_url: str | None
    embedded: bool
    issuer: str
    audience: str
    access_token_alg: str
    pkce_of_all: bool
    dpop_nonce_required: bool
    master_key: bytes | None
    token_lifetime: int
    session_lifetime: int
    rate_limit: int
    failed_auth_limit: int
    keep_alive: int
    issuance_retention: int = 0
    verification_hours: int = 24
    trusted_proxies: str
    client_certificate_header: str | None = None
    client_certificates_verified: bool = False
    insecure_http_hosts: frozenset[str] = frozenset()
    client_metadata_documents: Documents = Documents()
    console_second_factor: bool = False
    postgres_bin: Path | None
    log_level: str
    log_format: str
    access_log: bool = False
    signed_metadata: bool = False
    dynamic_registration: str = OFF
    unused_registration_days: int = 90
    traces: Traces | None = None
    upstream: Upstream | None = None
    webhook: Webhook | None = None
    witnesses: tuple[Witness, ...] = ()
    witness_quorum: int = 0

    @property
    def quorum(self) -> Quorum:
        return Quorum(tuple(witness.key for witness in self.witnesses), self.witness_quorum)

    def __repr__(self) -> str:
        return f"Settings(issuer={self.issuer!r}, data={str(self.data)!r})"


def read_settings(environment: Mapping[str, str], *, needs_key: bool = True) -> Settings:
    """Raises WrongSettings, which names every fault at once. With `needs_key`, an external database requires the master key."""
    asked = Environment(environment)
    insecure = asked.hosts("MUNIMENT_INSECURE_HTTP_HOSTS")
    port = asked.number("PORT", 8000, 1, 65535)
    issuer = asked.issuer("MUNIMENT_ISSUER", f"http://127.0.0.1:{port}", insecure)
    database_url = asked.database_url("MUNIMENT_DATABASE_URL")
    witnesses = asked.witnesses("MUNIMENT_WITNESSES", insecure)
    settings = Settings(
        hosts=asked.listed("MUNIMENT_HOST", "127.0.0.1"),
        port=port,
        metrics_address=asked.address("MUNIMENT_METRICS_ADDRESS"),
        data=Path(asked.text("MUNIMENT_DATA", ".muniment")).absolute(),
        database_url=database_url,
        embedded=database_url is None,
        issuer=issuer,
        audience=asked.text("MUNIMENT_AUDIENCE", issuer),
        access_token_alg=asked.access_token_alg("MUNIMENT_ACCESS_TOKEN_ALG"),
        pkce_of_all=asked.one_of("MUNIMENT_REQUIRE_PKCE", "public", REQUIRE_PKCE) == "all",
        dpop_nonce_required=asked.one_of("MUNIMENT_DPOP_NONCE", "optional", SECOND_FACTOR) == "required",
        master_key=asked.master_key("MUNIMENT_MASTER_KEY", required=needs_key and database_url is not None),
        token_lifetime=asked.number("MUNIMENT_TOKEN_LIFETIME", 3600, 60, LONGEST_TOKEN),
        session_lifetime=asked.number("MUNIMENT_SESSION_LIFETIME", 14 * A_DAY, 300, LONGEST_SESSION),
        rate_limit=asked.number("MUNIMENT_RATE_LIMIT", 600, 0, 1_000_000),
        failed_auth_limit=asked.number("MUNIMENT_FAILED_AUTH_LIMIT", 30, 0, 1_000_000),
        issuance_retention=asked.retention("MUNIMENT_ISSUANCE_RETENTION"),
        verification_hours=asked.number("MUNIMENT_VERIFICATION_HOURS", 24, 0, 8760),
        keep_alive=asked.number("MUNIMENT_KEEP_ALIVE", 75, 1, 3600),
        trusted_proxies=asked.networks("MUNIMENT_TRUSTED_PROXIES"),
        client_certificate_header=asked.certificate_header("MUNIMENT_CLIENT_CERTIFICATE_HEADER", CERTIFICATE_HEADERS),
        client_certificates_verified=asked.one_of("MUNIMENT_CLIENT_CERTIFICATES", "unverified", CERTIFICATES)
        == "verified",
        insecure_http_hosts=insecure,
        client_metadata_documents=asked.documents("MUNIMENT_CLIENT_METADATA_DOCUMENTS"),
        console_second_factor=asked.one_of("MUNIMENT_CONSOLE_SECOND_FACTOR", "optional", SECOND_FACTOR) == "required",
        postgres_bin=asked.directory("MUNIMENT_POSTGRES_BIN"),
        log_level=asked.one_of("MUNIMENT_LOG_LEVEL", "info", LOG_LEVELS),
        log_format=asked.one_of("MUNIMENT_LOG_FORMAT", "auto", LOG_FORMATS),
        access_log=asked.one_of("MUNIMENT_ACCESS_LOG", "off", SWITCH) == "on",
        signed_metadata=asked.one_of("MUNIMENT_SIGNED_METADATA", "off", SWITCH) == "on",
        dynamic_registration=asked.one_of("MUNIMENT_DYNAMIC_REGISTRATION", OFF, REGISTRATION),
        unused_registration_days=asked.number("MUNIMENT_UNUSED_REGISTRATION_DAYS", 90, 1, 3650),
        traces=asked.traces(),
        upstream=asked.upstream(*UPSTREAM, insecure=insecure),
        webhook=asked.webhook(*WEBHOOK, insecure=insecure),
        witnesses=witnesses,
        witness_quorum=asked.number(
            "MUNIMENT_WITNESS_QUORUM", len(witnesses) // 2 + bool(witnesses), 0, len(witnesses)
        ),
    )
    asked.no_stranger()
    if asked.faults:
        raise WrongSettings(asked.faults, settings)
    return settings
