"""The embedded Postgres. The processes that use its data directory make, start, watch and stop it."""
