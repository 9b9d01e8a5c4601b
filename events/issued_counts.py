"""How many tokens were issued between moments: positions of the issuance log have no gaps, so they count the tokens."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from events.database import AnyConnection

# As in projections/as_of.py, for many moments at once: about twenty probes of the primary key for each.
POSITIONS_AT = """
with recursive halved (at, low, high) as (
  select at, 0::bigint, (select last_position from log.issuance_batches order by last_position desc limit 1)
    from unnest($1::timestamptz[]) as at
  union all
  select at, case when b.recorded_at < at then b.last_position else low end,
         case when b.recorded_at < at then high else (low + high + 1) / 2 - 1 end
    from halved, lateral (select last_position, recorded_at from log.issuance_batches where last_position >= (low + high + 1) / 2
                           order by last_position limit 1) as b
   where low < high)
select low from halved where low >= high order by at
"""


async def between(connection: AnyConnection, moments: Sequence[datetime]) -> list[int]:
    """Returns how many tokens were issued from each of these moments, which are sorted, until the next one (and without that)."""
    found = [row[0] for row in await connection.fetch(POSITIONS_AT, moments)]
    return [after - before for before, after in pairwise(found)]
