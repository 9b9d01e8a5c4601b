"""muniment projections: list, verify and rebuild the tables that are derived from the log."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Annotated

import typer
from msgspec import structs

from projections import registry
from projections.catch_up import CatchUp
from projections.engine import rebuild as rebuilding
from projections.engine import status
from projections.engine import verify as verification
from projections.engine.checkpoints import OtherVersion
from projections.engine.entries import Poison
from projections.engine.schemas import NoSchema
from projections.engine.verify import Verdict
from service.cli.opening import Plainly, ask, ask_at, opened_at, run
from service.cli.output import Json, document, note, say, table
from service.cli.progress import bar
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
All = Annotated[bool, typer.Option("--all", help="Every projection.")]


@app.command("list")
def list_projections(as_json: Json = False) -> None:
    """List projections: which log each follows, how far it is, how many rows it has, their digest, and whether it is well.

    Equal tables have equal digests, whatever the order of their rows.

    Example: `muniment projections list`
    """
    found = ask(status.statuses)
    if as_json:
        document(found)
        return
    columns = ("name", "follows", "position", "lag", "rows", "digest", "state", "error")
    cells = ([r.name, r.follows, r.position, r.lag, r.rows, r.digest, r.state, r.error or ""] for r in found)
    table(columns, ([str(cell) for cell in row] for row in cells))


@app.command()
def verify(names: Names = None, as_json: Json = False) -> None:
    """Compare projections (all, unless some are named) with a fold of the log, row by row, as of one moment.

    The exit status is 1 if any differs; up to ten of its differing rows are named. `muniment projections rebuild` puts it right.

    Example: `muniment projections verify clients`
    """
    wanted = _known(names or registry.everything())
    with opened_at() as url:
        verdicts = [_verified(url, name) for name in wanted]
    if as_json:
        told = [{**structs.asdict(verdict), "ok": verdict.agrees} for verdict in verdicts]
        document({"ok": all(verdict.agrees for verdict in verdicts), "projections": told})
    else:
        for verdict in verdicts:
            _tell(verdict)
    if not all(verdict.agrees for verdict in verdicts):
        raise typer.Exit(1)


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
        found = [each for each in ask_at(url, status.statuses) if each.name in rebuilt]
    if as_json:
        document(found)
    else:
        for each in found:
            say(f"{each.name} is rebuilt: {each.rows:,} rows, digest {each.digest}, at position {each.position}.")
    if rebuilt != wanted:
        raise typer.Exit(1)


def _known(names: Iterable[str]) -> list[str]:
    """Each once. Raises Plainly."""
    wanted, known = list(dict.fromkeys(names)), registry.everything()
    if unknown := [name for name in wanted if name not in known]:
        raise Plainly(f"There is no projection {', '.join(map(printable, unknown))}; there are: {', '.join(known)}.")
    return wanted


def _verified(url: str, name: str) -> Verdict:
    try:
        with _readable(name), bar(f"verifying {name}") as progress:
            return run(verification.verify(url, name, progress))
    except Exception as fault:
        if name in registry.PROJECTIONS:
            raise
        return verification.refused(name, _why(fault))


def _is_rebuilt(url: str, name: str) -> bool:
    """A fault of a package's projection is told, and holds up no other."""
    try:
        with _readable(name), bar(f"rebuilding {name}") as progress:
            run(rebuilding.rebuild(url, name, progress))
    except Exception as fault:
        if name in registry.PROJECTIONS:
            raise
        note(f"{name} is not rebuilt: {_why(fault)}")
        return False
    return True


def _why(fault: Exception) -> str:
    return str(fault) if isinstance(fault, Plainly) else f"{type(fault).__name__}: {fault}"


@contextmanager
def _readable(name: str) -> Generator[None]:
    try:
        yield
    except Poison as fault:
        follows = "issuance log" if _follows_issuance(name) else "log"
        raise Plainly(f"{name}: position {fault.position} of the {follows} cannot be read: {fault}") from fault
    except (OtherVersion, NoSchema) as fault:
        raise Plainly(str(fault)) from fault


def _follows_issuance(name: str) -> bool:
    projection = registry.find(name)
    return isinstance(projection, CatchUp) and projection.follows.log == "issuance"


def _tell(verdict: Verdict) -> None:
    if verdict.agrees:
        say(f"{verdict.name} is what the log makes of it: {verdict.rows:,} rows, digest {verdict.digest}.")
    else:
        say(f"{verdict.name} is NOT what the log makes of it: {', '.join(map(printable, verdict.differing))}")
