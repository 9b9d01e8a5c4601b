-- How a client came about that registered itself; null is a client that somebody else registered.
alter table read.clients add column registration jsonb;
create index on read.clients (stream_id) where registration is not null;
call log.generate_project();
