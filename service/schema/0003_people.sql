-- What must be forgettable, and so must never be in the log: each person's data key, wrapped by the master key, and what finds them by name.
create table vault.people (
  user_id    uuid        not null primary key,
  wrapped    bytea       not null,
  created_at timestamptz not null default clock_timestamp()          -- one without a user after a while is of a registration that failed
);
create table vault.names (                                           -- HMAC of an e-mail address, or of an upstream issuer and subject
  name    bytea not null primary key,
  user_id uuid  not null references vault.people on delete cascade
);
create index names_user on vault.names (user_id);
create table vault.keys (                                            -- keys of the service's own that outlive a master key, wrapped by it
  purpose text  not null primary key,
  wrapped bytea not null
);
create table vault.removed (                                         -- whose data key was deleted, and may still be in the table's file
  user_id uuid not null primary key,
  by      xid  not null default pg_current_xact_id()::xid            -- the transaction that deleted it
);
alter table vault.people alter column wrapped set statistics 0;      -- or else analyze would copy keys into the catalogue
alter table vault.names alter column name set statistics 0;
alter table vault.keys alter column wrapped set statistics 0;
alter table vault.people owner to muniment_service;
alter table vault.names owner to muniment_service;
alter table vault.keys owner to muniment_service;
alter table vault.removed owner to muniment_service;

-- What may be used once (a one-time password, a challenge), until it would have expired anyway. Unlogged, for nothing here is a fact.
create unlogged table limits.used (
  key   text        not null primary key,
  until timestamptz not null
);
alter table limits.used alter column key set statistics 0;           -- what is counted is forgotten, not kept in the catalogue
alter table limits.counts alter column key set statistics 0;
alter table limits.used owner to muniment_service;

-- Erasing somebody ends with a new segment of the write-ahead log and a checkpoint, where a superuser could allow that (the embedded
-- default); elsewhere deploy/operating.md says what an operator does.
do $$
begin
  if (select rolsuper from pg_roles where rolname = current_user) then
    grant pg_checkpoint to muniment_service;
    grant execute on function pg_catalog.pg_switch_wal() to muniment_service;
  end if;
end $$;
