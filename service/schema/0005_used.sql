-- What may be used once must stay used when the server crashes or a standby takes its place, and an unlogged table is empty then.
alter table limits.used set logged;
