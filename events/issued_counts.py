"""How many tokens were issued between moments: positions of the issuance log have no gaps, so they count the tokens."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from events.batches import positions_before
from events.database import AnyConnection


async def between(connection: AnyConnection, moments: Sequence[datetime]) -> list[int]:
    """Returns how many tokens were issued from each of these moments, which are sorted, until the next one (and without that)."""
    found = await positions_before(connection, "log.issuance_batches", moments)
    return [after - before for before, after in pairwise(found)]
