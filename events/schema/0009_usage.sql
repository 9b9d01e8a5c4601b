-- What stays of a deleted day also tells the audiences and scopes of its tokens, so that the daily usage stays right.
-- Of days that were deleted before, the scope is unknown (null), and the first time too.
alter table log.issuance_uses
  add column scope    text,
  add column audience text,                                          -- null: the default one
  add column first_at timestamptz;

-- A scope may be too long for an index. No row is there twice, for a day is kept at once, and only if nothing is kept of it.
alter table log.issuance_uses drop constraint issuance_uses_pkey;
create index issuance_uses_day on log.issuance_uses (last_position);

-- A day that is kept and not deleted yet is kept again, with its scopes.
alter table log.issuance_uses disable trigger append_only;
delete from log.issuance_uses u where not exists (select from log.issuance_dropped d where d.last_position = u.last_position);
alter table log.issuance_uses enable trigger append_only;

create or replace function log.keep_of_issuance(p_day date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare found record;
begin
  found := log.old_partition(p_day);
  if found.first is null then
    return;
  end if;
  execute format($query$
    insert into log.issuance_leaves
    select min(position) - 1, string_agg(leaf, ''::bytea order by position)
      from (select position, sha256('\x00'::bytea || 'muniment-token-1\012'::bytea || int8send(position)
                   || int8send((extract(epoch from issued_at) * 1000000)::bigint) || uuid_send(client) || uuid_send(secret) || uuid_send(jti)
                   || case when octet_length(data) <= 49152 then int4send(octet_length(data)) || data else int4send(-1) || sha256(data) end) as leaf
              from log.%I) as hashed
     group by (position - 1) / 256 on conflict do nothing $query$, found.name);
  if exists (select from log.issuance_uses u where u.last_position = found.last) then
    return;
  end if;
  execute format($query$
    insert into log.issuance_uses (last_position, client, secret, sub, scope, audience, tokens, used_at, first_at)
    select $1, client, secret, case when token ? 'authorization' then '' else token ->> 'sub' end, token ->> 'scope', token ->> 'audience',
           count(*), max(issued_at), min(issued_at)
      from (select client, secret, issued_at, convert_from(data, 'UTF8')::jsonb as token from log.%I) as issued
     group by 2, 3, 4, 5, 6 $query$, found.name) using found.last;
end $$;
