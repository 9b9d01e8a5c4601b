"""muniment db: the schema."""

import typer

from service.cli.opening import bring_up, open_database, run, url_of
from service.cli.output import Json, document, say
from service.migrations import schemas

app = typer.Typer()


@app.command()
def migrate(as_json: Json = False) -> None:
    """Bring the database's schema to the version that this Muniment works with.

    All of it or nothing, by one process at a time; harmless to repeat. Needs no master key, and on a database of one's own the
    login of its owner (deploy/roles.sql). If a long transaction of somebody holds a table that it changes, it says whose, tries again every few seconds for five minutes, and lets the service go on meanwhile. It also makes the schemas for projections of installed packages. The first command that opens the embedded database migrates it.

    Example: `MUNIMENT_DATABASE_URL=postgresql://muniment_owner:...@db/muniment muniment db migrate`
    """
    with open_database(migrated=False, creates=True) as settings:
        before, after = bring_up(url_of(settings))
        made = run(schemas.make(url_of(settings)))
    if as_json:
        document({"before": before, "after": after, "changed": before != after, "schemas": made})
        return
    if made:
        say(f"Schemas for the projections of installed packages were made: {', '.join(made)}.")
    if before == after:
        say(f"The schema is at version {after}: nothing to do.")
    else:
        say(f"The schema went from {f'version {before}' if before else 'nothing'} to version {after}.")
