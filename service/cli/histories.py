"""A life as a table: what happened, by whom, when; of a client, and of a person."""

from collections.abc import Sequence

from events.codec import Recorded
from service.cli.event_text import as_json, who
from service.cli.output import line, moment, table


def tell(events: Sequence[Recorded], told: Sequence[str], *, script: bool) -> None:
    """`told` has the sentence of each event; for scripts, one event a line."""
    pairs = list(zip(events, told, strict=True))
    if script:
        for past, sentence in pairs:
            line({**as_json(past), "told": sentence})
        return
    columns = ("when", "what", "by", "position")
    table(
        columns,
        ((moment(past.recorded_at), sentence, who(past.meta.actor), str(past.position)) for past, sentence in pairs),
    )
