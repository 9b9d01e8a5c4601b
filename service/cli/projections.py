"""muniment projections: list, verify, resume and rebuild the tables that are derived from the log."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from msgspec import structs

from events.database import Connection
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints, status
from projections.engine import rebuild as rebuilding
from projections.engine.status import Counted, Status
from projections.engine.verdict import Verdict
from projections.engine.verifications import Verification
from service.cli.folds import all_verified, readable, why
from service.cli.opening import Plainly, ask, ask_at, opened_at, run
from service.cli.output import Json, document, lines, moment, note, say, table
from service.cli.progress import bar, bars
from service.values.text import printable

app = typer.Typer()

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help=f"Of: {', '.join(registry.PROJECTIONS)}, and those of installed packages.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every projection.")]


@app.command("list")
def list_projections(as_json: Json = False) -> None:
    """List projections: the log that each follows, how far it is, whether it is well, and what its last verification found.

    The number of rows of a large table is an estimate.

    Example: `muniment projections list`
    """
    found = ask(status.statuses)
    if as_json:
        document(found)
        return
    columns = ("name", "log", "state", "position", "lag", "waiting", "rows", "verified", "error")
    table(columns, (_cells(each) for each in found))


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show one projection, with the number and the digest of its rows now: equal tables have equal digests, in any order of rows.

    Example: `muniment projections show clients`
    """
    known = _known([name])
    found, now = ask(lambda connection: _shown(connection, known[0]))
    if as_json:
        document([{**structs.asdict(each), "counted": counted} for each, counted in zip(found, now, strict=True)])
        return
    for each, counted in zip(found, now, strict=True):
        lines(_facts(each, counted))


@app.command()
def verify(names: Names = None, as_json: Json = False) -> None:
    """Compare projections (all, unless some are named) with a fold of the log, row by row, as of one moment.

    The exit status is 1 if any differs; up to ten of its differing rows are named. `muniment projections rebuild` puts it right.

    Example: `muniment projections verify clients`
    """
    wanted = _known(names or registry.everything())
    with opened_at() as url, bars() as shown:
        verdicts = run(all_verified(url, wanted, shown))
    if as_json:
        told = [{**structs.asdict(verdict), "ok": verdict.agrees} for verdict in verdicts]
        document({"ok": all(verdict.agrees for verdict in verdicts), "projections": told})
    else:
        for verdict in verdicts:
            _tell(verdict)
    if not all(verdict.agrees for verdict in verdicts):
        raise typer.Exit(1)


@app.command()
def resume(name: Name, as_json: Json = False) -> None:
    """Let a projection that failed go on from where it stopped, once what stopped it is gone. It loses nothing and counts nothing twice.

    Example: `muniment projections resume last_used`
    """
    projection = registry.find(_known([name])[0])
    if not isinstance(projection, CatchUp):
        raise Plainly(
            f"{name} is written with each event, so it cannot stop. muniment projections rebuild makes it again."
        )
    position = ask(lambda connection: checkpoints.resume(connection, projection))
    if position is None:
        raise Plainly(f"{name} has not failed. muniment projections show {name} says how it is.")
    if as_json:
        document({"name": name, "position": position})
    else:
        say(f"{name} goes on after position {position}. muniment projections show {name} says how far it is.")


@app.command()
def rebuild(names: Names = None, every: All = False, as_json: Json = False) -> None:
    """Rebuild projections from the log and put them in place. The service may run meanwhile: no request fails.

    Example: `muniment projections rebuild clients`
    """
    if bool(names) == every:
        raise Plainly(f"Name projections to rebuild ({', '.join(registry.everything())}), or say --all.")
    wanted = _known(registry.everything() if every else names or ())
    with opened_at() as url:
        rebuilt = [name for name in wanted if _is_rebuilt(url, name)]
        made = [ask_at(url, lambda connection, name=name: _made(connection, name)) for name in rebuilt]
    if as_json:
        document(made)
    else:
        for each in made:
            say(
                f"{each['name']} is rebuilt: {each['rows']:,} rows, digest {each['digest']}, at position {each['position']}."
            )
    if rebuilt != wanted:
        raise typer.Exit(1)


async def _shown(connection: Connection, name: str) -> tuple[list[Status], list[Counted]]:
    found = await status.statuses(connection, name)
    return found, [await status.counted(connection, each.table) for each in found]


async def _made(connection: Connection, name: str) -> dict[str, Any]:
    (made, *_), (counted, *_) = await _shown(connection, name)
    return {**structs.asdict(made), **structs.asdict(counted)}


def _cells(each: Status) -> list[str]:
    verified = (
        "" if each.verification is None else f"{each.verification.outcome} {moment(each.verification.verified_at)}"
    )
    waiting = f"{each.lag_seconds:.0f} s" if each.lag else ""
    rows = "" if each.rows is None else f"{each.rows:,}"
    return [
        each.name,
        each.follows,
        each.state,
        str(each.position),
        str(each.lag),
        waiting,
        rows,
        verified,
        _error(each),
    ]


def _error(each: Status) -> str:
    return (
        "" if each.error is None else f"at {each.failed_position}: {each.error}" if each.failed_position else each.error
    )


def _facts(each: Status, counted: Counted) -> list[tuple[str, str]]:
    return [
        ("name", each.name),
        ("version", "" if each.version is None else str(each.version)),
        ("log", each.follows),
        ("state", each.state),
        ("position", f"{each.position} ({each.lag} behind, for {each.lag_seconds:.0f} s)"),
        ("error", _error(each) or "none"),
        ("rows", f"{counted.rows:,}"),
        ("digest", counted.digest),
        ("verified", _verified_last(each.verification)),
    ]


def _verified_last(found: Verification | None) -> str:
    if found is None:
        return "never"
    return f"{moment(found.verified_at)} at position {found.position}: it {found.said}"


def _known(names: Iterable[str]) -> list[str]:
    """Each once. Raises Plainly."""
    wanted, known = list(dict.fromkeys(names)), registry.everything()
    if unknown := [name for name in wanted if name not in known]:
        raise Plainly(f"There is no projection {', '.join(map(printable, unknown))}; there are: {', '.join(known)}.")
    return wanted


def _is_rebuilt(url: str, name: str) -> bool:
    """A fault of a package's projection is told, and holds up no other."""
    try:
        with readable(name), bar(f"rebuilding {name}") as progress:
            run(rebuilding.rebuild(url, name, progress))
    except Exception as fault:
        if name in registry.PROJECTIONS:
            raise
        note(f"{name} is not rebuilt: {why(fault)}")
        return False
    return True


def _tell(verdict: Verdict) -> None:
    if verdict.agrees:
        say(f"{verdict.name} is what the log makes of it: {verdict.rows:,} rows, digest {verdict.digest}.")
    else:
        say(f"{verdict.name} is NOT what the log makes of it: {', '.join(map(printable, verdict.differing))}")
