"""muniment follow: a process that follows the logs, and nothing else."""

import os
from contextlib import suppress

from service import logs
from service.cli.opening import Plainly, opened_at, plainly, run
from service.cli.output import note
from service.configuration.settings import read_settings


def follow() -> None:
    """Until Ctrl-C. Raises Plainly."""
    from service import housekeeping  # noqa: PLC0415

    with plainly():
        settings = read_settings(os.environ, needs_key=False)
    if settings.embedded:
        raise Plainly(
            "The embedded database has one service, which follows the logs itself. Name a database in MUNIMENT_DATABASE_URL."
        )
    logs.set_up(settings.log_level, settings.log_format)
    with opened_at() as url, suppress(KeyboardInterrupt):
        note("Following the logs. Ctrl-C stops it.")
        run(housekeeping.follow(url))
