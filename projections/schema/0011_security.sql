-- The security settings of a client; {} is a client that said nothing.
alter table read.clients add column security jsonb not null default '{}';
call log.generate_project();
