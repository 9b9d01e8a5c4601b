"""Settings that work, but are unsafe; and files of the data directory that others can read."""

import stat
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from service.cli.checks.finding import Finding, error, warning
from service.configuration import master_key
from service.configuration.settings import Settings
from service.network import hosts


def findings(settings: Settings) -> list[Finding]:
    return [*_http(settings), *_limits(settings), *_trust(settings), *_files(settings)]


def _http(settings: Settings) -> Iterator[Finding]:
    issuer = urlsplit(settings.issuer)
    if issuer.scheme == "http" and not hosts.is_loopback(issuer.hostname):
        yield warning(
            f"The issuer {settings.issuer} is plain http: anybody on the way can read codes, tokens and passwords.",
            f"MUNIMENT_ISSUER=https://{issuer.netloc}{issuer.path}",
        )
    if settings.insecure_http_hosts:
        named = ", ".join(sorted(settings.insecure_http_hosts))
        yield warning(
            f"MUNIMENT_INSECURE_HTTP_HOSTS lets codes and tokens travel by plain http to {named}; that is for development alone.",
            "unset MUNIMENT_INSECURE_HTTP_HOSTS",
        )


def _limits(settings: Settings) -> Iterator[Finding]:
    if settings.rate_limit == 0:
        yield warning(
            "MUNIMENT_RATE_LIMIT=0: a caller of the management API has no limit.", "unset MUNIMENT_RATE_LIMIT"
        )
    if settings.failed_auth_limit == 0:
        yield warning(
            "MUNIMENT_FAILED_AUTH_LIMIT=0: nothing slows down who guesses the secrets of clients.",
            "unset MUNIMENT_FAILED_AUTH_LIMIT",
        )


def _trust(settings: Settings) -> Iterator[Finding]:
    given = filter(None, (part.strip() for part in settings.trusted_proxies.split(",")))
    if any(ip_network(part, strict=False).prefixlen == 0 for part in given):
        yield warning(
            "MUNIMENT_TRUSTED_PROXIES trusts every address, so anybody can pretend to be at any address, and evade its limits.",
            "MUNIMENT_TRUSTED_PROXIES=<the addresses of your proxies>",
        )
    if settings.witnesses and settings.witness_quorum == 0:
        yield warning(
            "MUNIMENT_WITNESS_QUORUM=0: proofs lead to checkpoints that no witness has cosigned.",
            "unset MUNIMENT_WITNESS_QUORUM",
        )


def _files(settings: Settings) -> Iterator[Finding]:
    if not settings.embedded:
        return
    from service import first_run  # noqa: PLC0415 - it imports the libraries of cryptography

    for place in (settings.data / master_key.FILE, settings.data / first_run.FILE):
        if _is_open(place):
            yield error(f"Other accounts of this machine can read {place}, which is secret.", f"chmod 600 {place}")


def _is_open(place: Path) -> bool:
    try:
        return bool(place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except FileNotFoundError:
        return False
