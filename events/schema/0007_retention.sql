-- Retention: a day of issued tokens can be deleted, and its proofs stay. Of each token its leaf in the tree is kept (32 bytes), of each
-- secret and subject the number of tokens, of each batch its root and chain value.
create table log.issuance_leaves (
  first  bigint not null primary key check (first >= 0),             -- the index of the first leaf; all of them are in one tile
  hashes bytea  not null check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0)
);
alter table log.issuance_leaves alter column hashes set storage external;   -- hashes cannot be compressed
create table log.issuance_uses (
  last_position bigint      not null,                                -- of the day
  client        uuid        not null,
  secret        uuid        not null,
  sub           text        not null,                                -- '' of tokens that users authorized
  tokens        bigint      not null,
  used_at       timestamptz not null,
  primary key (last_position, client, secret, sub)
);
create table log.issuance_dropped (                                  -- the days that are deleted; they are the beginning of the log
  last_position  bigint      not null primary key,
  first_position bigint      not null,
  day            date        not null unique,
  dropped_at     timestamptz not null
);

-- The partition of a day that is old enough, and its positions; null where it has no token. Thirty days are the least, whatever a caller wants.
create function log.old_partition(p_day date, out name text, out first bigint, out last bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_day is null or p_day >= (clock_timestamp() at time zone 'UTC')::date - 30 then
    raise exception 'tokens of % are not 30 days old: they stay', p_day using errcode = 'invalid_parameter_value';
  end if;
  perform pg_advisory_xact_lock(4703);
  if to_regclass(format('log.%I', 'issuance_' || to_char(p_day, 'YYYYMMDD'))) is not null then
    name := 'issuance_' || to_char(p_day, 'YYYYMMDD');
    execute format('select min(position), max(position) from log.%I', name) into first, last;
  end if;
end $$;

-- Keeps what stays of a day. Harmless to repeat.
create function log.keep_of_issuance(p_day date) returns void
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
  execute format($query$
    insert into log.issuance_uses
    select $1, client, secret, case when token ? 'authorization' then '' else token ->> 'sub' end, count(*), max(issued_at)
      from (select client, secret, issued_at, convert_from(data, 'UTF8')::jsonb as token from log.%I) as issued
     group by 2, 3, 4 on conflict do nothing $query$, found.name) using found.last;
end $$;

-- Deletes the tokens of a day: only the oldest, only if all that stays of them is kept, and a signed checkpoint covers them.
-- It gives up at once when somebody reads the log for long; the next attempt finds what is kept.
create function log.drop_issuance(p_day date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare found record; before bigint; leaves bigint; uses bigint;
begin
  found := log.old_partition(p_day);
  if found.name is null then
    return;
  end if;
  if found.first is not null then
    select coalesce(max(d.last_position), 0) into before from log.issuance_dropped d;
    select sum(octet_length(l.hashes)) / 32 into leaves from log.issuance_leaves l where l.first between found.first - 1 and found.last - 1;
    select sum(u.tokens) into uses from log.issuance_uses u where u.last_position = found.last;
    if found.first <> before + 1 then
      raise exception 'the tokens of % stay: older ones (from position % on) are still there', p_day, before + 1 using errcode = 'object_not_in_prerequisite_state';
    end if;
    if (leaves, uses) is distinct from (found.last - before, found.last - before) then
      raise exception 'the tokens of % stay: what must be kept of them is not, or tokens are missing', p_day using errcode = 'object_not_in_prerequisite_state';
    end if;
    if not exists (select from log.checkpoints c where c.tree = 'issuance' and c.size >= found.last) then
      raise exception 'the tokens of % stay: no checkpoint of the tree covers them yet', p_day using errcode = 'object_not_in_prerequisite_state';
    end if;
    insert into log.issuance_dropped values (found.last, found.first, p_day, clock_timestamp());
  end if;
  execute format('drop table log.%I', found.name);
end $$;

create trigger append_only before update or delete or truncate on log.issuance_leaves  for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.issuance_uses    for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.issuance_dropped for each statement execute function log.refuse_change();
revoke all on log.issuance_leaves, log.issuance_uses, log.issuance_dropped from public;
revoke all on function log.old_partition, log.keep_of_issuance, log.drop_issuance from public;
grant select on log.issuance_leaves, log.issuance_uses, log.issuance_dropped to muniment_service;
grant execute on function log.keep_of_issuance, log.drop_issuance to muniment_service;
