-- The checkpoints of the trees over the two logs: each signed note that the service has made, kept for ever.
create table log.checkpoints (
  tree    text        not null check (tree in ('log', 'issuance')),
  size    bigint      not null check (size >= 0),
  made_at timestamptz not null,
  root    bytea       not null check (octet_length(root) = 32),
  note    bytea       not null check (octet_length(note) between 1 and 8192),
  constraint checkpoints_pk primary key (tree, size)
);
create index checkpoints_time on log.checkpoints (tree, made_at);
create trigger append_only before update or delete or truncate on log.checkpoints for each statement execute function log.refuse_change();

-- Keeps a checkpoint. Several processes make the same one, so the second time is harmless; but one size never has two roots.
create function log.keep_checkpoint(c_tree text, c_size bigint, c_chain bytea, c_root bytea, c_note bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare chain bytea; kept bytea;
begin
  if c_tree = 'log' then
    select b.chain into chain from log.batches b where b.last_position = c_size;
  else
    select b.chain into chain from log.issuance_batches b where b.last_position = c_size;
  end if;
  if chain is distinct from c_chain or chain is null then
    raise exception 'the checkpoint was not kept: no batch of the log ends at % with this chain value', c_size using errcode = 'invalid_parameter_value';
  end if;
  insert into log.checkpoints values (c_tree, c_size, clock_timestamp(), c_root, c_note) on conflict do nothing;
  select c.root into kept from log.checkpoints c where c.tree = c_tree and c.size = c_size;
  if kept <> c_root then
    raise exception 'the checkpoint was not kept: the tree of size % had another root', c_size using errcode = 'invalid_parameter_value';
  end if;
end $$;

revoke all on log.checkpoints from public;
revoke all on function log.keep_checkpoint from public;
grant select on log.checkpoints to muniment_service;
grant execute on function log.keep_checkpoint to muniment_service;
