"""The master key, and the signing keys: whether they open, whether there is one for each algorithm, and how old they are."""

from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from events.client import AccessTokenAlg
from projections import signing_keys
from projections.signing_keys import Row
from service.cli.checks.finding import Finding, Installation, error, warning
from service.cli.checks.thresholds import KEY_AGE
from service.configuration import master_key


async def look_at_master_key(installation: Installation) -> list[Finding]:
    from service.cli import rewrapping  # noqa: PLC0415
    from service.vault import personal_data, private_keys  # noqa: PLC0415 - it imports the libraries of cryptography

    settings = installation.settings
    interrupted = [
        error(
            "muniment keys rewrap was interrupted: the new master key is not in its place yet.", "muniment keys rewrap"
        )
        for _ in range(settings.embedded and (settings.data / rewrapping.WAITING).exists())
    ]
    if settings.master_key is None:
        return [*interrupted, _missing(installation)]
    try:
        await private_keys.check(installation.connection, private_keys.wrapping(settings.master_key))
        await personal_data.check(installation.connection, personal_data.wrapping(settings.master_key))
    except private_keys.WrongMasterKey:
        return interrupted or [
            error(
                "The master key is not the one that wraps the keys of this database: nothing can be signed, and nobody can sign in.",
                f"restore {settings.data / master_key.FILE} from its backup"
                if settings.embedded
                else "MUNIMENT_MASTER_KEY=<the right one>",
            )
        ]
    return interrupted


def _missing(installation: Installation) -> Finding:
    if installation.settings.embedded:
        place = installation.settings.data / master_key.FILE
        fault = "does not hold a master key (32 bytes in base64)" if place.exists() else "does not exist"
        return error(
            f"{place} {fault}, so no signing key can be opened.",
            "restore it from its backup",
        )
    return warning(
        "MUNIMENT_MASTER_KEY is not set here, so it was not checked whether it opens the keys of this database.",
        "MUNIMENT_MASTER_KEY=<the service's> muniment doctor",
    )


async def look_at_signing_keys(installation: Installation) -> list[Finding]:
    rows = await signing_keys.every(installation.connection)
    now: datetime = await installation.connection.fetchval("select clock_timestamp()")
    return list(findings(rows, now))


def findings(rows: list[Row], now: datetime) -> Iterator[Finding]:
    lacking = [alg for alg in get_args(AccessTokenAlg) if signing_keys.active(rows, alg) is None]
    if lacking:
        yield error(
            f"There is no active signing key for {', '.join(lacking)}; the service makes it at its start.",
            "muniment serve",
        )
    old = [row for row in rows if row.state == "active" and row.activated_at and now - row.activated_at > KEY_AGE]
    if old:
        days = max((now - row.activated_at).days for row in old if row.activated_at)
        yield warning(
            f"The signing keys of {', '.join(row.alg for row in old)} have signed for up to {days} days; {KEY_AGE.days} are enough.",
            "muniment keys rotate",
        )
