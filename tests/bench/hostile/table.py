"""The figures about hostile requests as a table for people."""

from rich.table import Table

from tests.bench.hostile.measuring import MOST_GROWTH, Hostile


def hostile_table(found: Hostile) -> Table:
    requests = sum(door.requests for door in found.doors.values())
    title = f"{requests:,} hostile requests in {found.seconds:.0f} s: nothing was issued, nothing failed"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("door")
    table.add_column("requests", justify="right")
    table.add_column("answers")
    table.add_column("mean ms", justify="right")
    table.add_column("slowest ms", justify="right")
    for name, door in sorted(found.doors.items()):
        said = ", ".join(f"{error} {number:,}" for error, number in door.errors.most_common())
        mean, slowest = door.seconds / door.requests * 1e3, door.slowest * 1e3
        table.add_row(name, f"{door.requests:,}", said, f"{mean:.1f}", f"{slowest:,.0f}")
    memory = f"{found.pss_warm / 1e6:.1f} MB, then {found.pss / 1e6:.1f} MB (at most {MOST_GROWTH / 1e6:.0f} MB more)"
    table.add_section()
    table.add_row("slowest", "", found.slowest)
    table.add_row("memory (PSS), warm and after", "", memory)
    for name, (median, slowest) in (
        ("others' tokens, quiet", found.waits.quiet),
        ("others' tokens while key sets hang", found.waits.meanwhile),
    ):
        table.add_row(name, "", "", f"{median * 1e3:.1f}", f"{slowest * 1e3:,.0f}")
    table.add_row("a token of a key set that hangs", "", "refused", "", f"{found.waits.own * 1e3:,.0f}")
    return table
