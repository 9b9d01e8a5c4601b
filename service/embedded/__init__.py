"""A Postgres of our own: found, made, started, watched and stopped by whoever uses its data directory."""
