-- The public keys of a client; [] is a client without.
alter table read.clients add column keys jsonb not null default '[]';
call log.generate_project();
