"""What a process shows of its own state once a second, so that no request pays for it."""

from events import database
from service.metrics.families import OTHER
from service.resources import Resources


async def show(resources: Resources) -> None:
    metrics, lookup, pool = resources.metrics, resources.lookup, resources.ledger.pool
    metrics.waiting["events"].set(resources.ledger.log.waiting)
    metrics.waiting["issuance"].set(resources.issuance.waiting)
    metrics.hits.set(lookup.hits)
    metrics.misses.set(lookup.misses)
    metrics.cached.set(lookup.cached)
    metrics.pool_idle.set(pool.get_idle_size())
    metrics.pool_used.set(pool.get_size() - pool.get_idle_size())
    metrics.pool_limit.set(pool.get_max_size())
    metrics.streams.set(len(resources.streams))
    for each, counter in metrics.overloads.items():
        counter.set(database.overloads[each])
    for each, counter in metrics.database_errors.items():
        if each != OTHER:
            counter.set(database.errors[each])
    known = sum(database.errors[each] for each in metrics.database_errors)
    metrics.database_errors[OTHER].set(database.errors.total() - known)
