-- The service may append and read. Nobody may update, delete or truncate: there is no grant, and a trigger that says so.
revoke all on all tables in schema log from public;
revoke all on all functions in schema log from public;
grant usage on schema log to muniment_service;
grant select on all tables in schema log to muniment_service;
grant execute on function log.append, log.append_events, log.project, log.issue, log.forget_old_commands, log.make_partitions, log.chain to muniment_service;
