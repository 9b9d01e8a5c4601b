"""How many rows a plan reads that Postgres makes once, for whatever values come."""

import json
from typing import Any

from events.database import Connection


async def most_rows(connection: Connection, statement: str, *values: Any) -> int:
    """Return how many rows a step of the plan makes at most, with these values."""
    await connection.execute("set plan_cache_mode = force_generic_plan")
    await connection.execute(f"prepare planned as {statement}")
    given = ", ".join(map(_literal, values))
    plan = json.loads(await connection.fetchval(f"explain (analyze, format json) execute planned({given})"))
    await connection.execute("deallocate planned")
    return _most(plan[0]["Plan"])


def _literal(value: Any) -> str:
    if isinstance(value, list):
        value = f"{{{', '.join(map(str, value))}}}"
    return f"'{value}'"


def _most(node: dict[str, Any]) -> int:
    return max(int(node["Actual Rows"]), *map(_most, node.get("Plans", ())), 0)
