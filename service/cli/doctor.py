"""muniment doctor: what is wrong with an installation, in sentences, each with the command that mends it."""

import asyncio
import os
from collections.abc import Sequence

import typer
from msgspec import Struct

from events.database import connected
from service.cli.checks import (
    any_resource,
    clocks,
    disk,
    group_roles,
    keys,
    projections,
    roles,
    server,
    transparency,
    unsafe_settings,
    webhook,
)
from service.cli.checks.finding import Check, Finding, Installation, error, warning
from service.cli.opening import run, url_of
from service.cli.output import document, say
from service.cli.reach import Obstacle, reached, usable_schema
from service.configuration.settings import Settings, WrongSettings, read_settings
from service.migrations import version
from service.values.text import counted

PATIENCE_SECONDS = 30.0
"""How long one check may take."""

CHECKS = (
    Check("roles and grants", roles.look),
    Check("database server", server.look),
    Check("other issuers", server.look_for_issuers),
    Check("partitions", server.look_for_partitions),
    Check("disk", disk.look),
    Check("clocks", clocks.look),
    Check("master key", keys.look_at_master_key),
    Check("signing keys", keys.look_at_signing_keys),
    Check("projections", projections.look),
    Check("checkpoints", transparency.look_at_checkpoints),
    Check("witnesses", transparency.look_at_witnesses),
    Check("audit webhook", webhook.look),
    Check("roles through groups", group_roles.look),
    Check("any resource", any_resource.look),
)


class Examined(Struct, frozen=True, kw_only=True):
    """A check that was made, and what it found."""

    check: str
    findings: Sequence[Finding]


class Report(Struct, frozen=True, kw_only=True):
    """`ok` is whether nothing is wrong. `not_checked` names the checks for which the database has to be usable first."""

    ok: bool
    checks: Sequence[Examined]
    not_checked: Sequence[str]


def doctor(*, as_json: bool) -> None:
    report = _report()
    if as_json:
        document(report)
    else:
        _tell(report)
    if not report.ok:
        raise typer.Exit(1)


def _report() -> Report:
    settings, wrong = _settings()
    if settings is None:
        return _made({"settings": wrong})
    done: dict[str, Sequence[Finding]] = {"settings": [*wrong, *unsafe_settings.findings(settings)]}
    with reached(settings) as way:
        done["database"] = [error(way.obstacle.says, way.obstacle.mend)] if way.obstacle else []
        if way.settings is None:
            return _made(done)
        usable, done["schema"] = _schema(url_of(way.settings))
        return _made({**done, **(run(_examined(way.settings)) if usable else {})})


def _settings() -> tuple[Settings | None, list[Finding]]:
    """A setting that cannot be used is a finding, and hides no other: the checks go on with its default."""
    try:
        return read_settings(os.environ, needs_key=False), []
    except WrongSettings as fault:
        return fault.rest, [error(each, "docs/configuration.md lists the settings") for each in fault.faults]


def _made(done: dict[str, Sequence[Finding]]) -> Report:
    every = ("settings", "database", "schema", *(check.name for check in CHECKS))
    return Report(
        ok=not any(done.values()),
        checks=[Examined(check=name, findings=found) for name, found in done.items()],
        not_checked=[name for name in every if name not in done],
    )


def _schema(url: str) -> tuple[bool, list[Finding]]:
    """Whether the other checks can be made, and what is wrong."""
    try:
        found = run(usable_schema(url))
    except Obstacle as obstacle:
        return False, [error(obstacle.says, obstacle.mend)]
    if found == version.WANTED:
        return True, []
    said = f"The database's schema is at {found}, and this version of Muniment knows none after {version.WANTED}; the next one may not work with it."
    return True, [warning(said, "upgrade Muniment here (deploy/operating.md, Upgrade)")]


async def _examined(database: Settings) -> dict[str, Sequence[Finding]]:
    return {check.name: await _examine(check, database) for check in CHECKS}


async def _examine(check: Check, database: Settings) -> Sequence[Finding]:
    """Each check has a connection of its own, so that an error in one does not break the next."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), connected(url_of(database)) as connection:
            return await check.look(Installation(database, connection))
    except Exception as fault:  # noqa: BLE001 - an error of one check is a finding, and must not stop the others
        said = str(fault).partition("\n")[0] or type(fault).__name__
        return [error(f"This could not be checked: {said}", "muniment doctor, again; report it if it repeats")]


def _tell(report: Report) -> None:
    found = [(each.check, finding) for each in report.checks for finding in each.findings]
    for check, finding in found:
        says = finding.says.replace("\n", "\n  ")  # the end of a log, in which nothing begins as a finding does
        say(f"{finding.level}: {check}: {says}")
        if finding.mend:
            say(f"  {finding.mend}")
    if report.not_checked:
        say(f"not checked until the above is repaired: {', '.join(report.not_checked)}")
    levels = [finding.level for _, finding in found]
    counts = [counted(levels.count(level), level) for level in ("error", "warning") if level in levels]
    say(f"{', '.join(counts) or 'nothing is wrong'}: {counted(len(report.checks), 'check')}")
