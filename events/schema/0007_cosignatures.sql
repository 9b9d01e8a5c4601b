-- The cosignatures of witnesses, each a line of a signed note under a checkpoint. They are verified before they are kept, and kept for ever.
create table log.cosignatures (
  tree    text        not null,
  size    bigint      not null,
  name    text        not null check (octet_length(name) between 1 and 1024),
  key_id  bytea       not null check (octet_length(key_id) = 4),
  kept_at timestamptz not null,
  line    text        not null check (octet_length(line) <= 8192 and line ~ '^— [^\n]+ [A-Za-z0-9+/=]+\n$'),
  constraint cosignatures_pk primary key (tree, size, name, key_id)
);
create index cosignatures_key on log.cosignatures (tree, name, key_id, size);
create trigger append_only before update or delete or truncate on log.cosignatures for each statement execute function log.refuse_change();

create function log.keep_cosignature(c_tree text, c_size bigint, c_name text, c_key_id bytea, c_line text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from log.checkpoints c where c.tree = c_tree and c.size = c_size;
  if not found then
    raise exception 'the cosignature was not kept: there is no checkpoint of size %', c_size using errcode = 'invalid_parameter_value';
  end if;
  insert into log.cosignatures values (c_tree, c_size, c_name, c_key_id, clock_timestamp(), c_line) on conflict do nothing;
end $$;

revoke all on log.cosignatures from public;
revoke all on function log.keep_cosignature from public;
grant select on log.cosignatures to muniment_service;
grant execute on function log.keep_cosignature to muniment_service;
