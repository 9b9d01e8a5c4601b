-- The event log: one dense total order, append-only, every batch chained to the one before.
create schema log;

create table log.events (
  position    bigint      not null check (position > 0),
  recorded_at timestamptz not null,                                  -- the server's clock under the lock; never runs backwards
  stream_id   uuid        not null,                                  -- UUIDv7 made by the service: neighbours in time are neighbours in the index
  version     integer     not null check (version > 0),
  schema_ver  smallint    not null,                                  -- upcasters are keyed by (type, schema_ver)
  type        text        not null,
  leaf        bytea       not null check (octet_length(leaf) = 32),  -- events/chain.py says what it covers
  meta        bytea       not null,                                  -- canonical JSON: who, by which request, because of what, from where
  data        bytea       not null,                                  -- canonical JSON, stored verbatim because it is hashed verbatim
  constraint events_pk primary key (position),
  constraint events_stream unique (stream_id, version)               -- optimistic concurrency is a constraint too, not only code
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

create table log.batches (                                           -- one row per commit; the last one is the head of the log
  last_position  bigint      not null primary key,
  first_position bigint      not null,
  recorded_at    timestamptz not null,
  root           bytea       not null,                               -- sha256(leaf 1 || .. || leaf n)
  chain          bytea       not null,                               -- sha256(previous chain || first || last || recorded_at in microseconds || root)
  check (first_position <= last_position or last_position = 0)
);
insert into log.batches                                              -- genesis: the root is this log's own random id
  select 0, 0, '2000-01-01 00:00:00+00', id, sha256(id) from (select uuid_send(gen_random_uuid()) as id) as genesis;

create table log.commands (                                          -- idempotency: the same command twice is one event and the first answer
  command_id    uuid        not null primary key,
  recorded_at   timestamptz not null,
  last_position bigint      not null,
  fingerprint   bytea       not null,                                -- sha256 of the request, so that another body under the same key is seen
  response      bytea       not null                                 -- the first answer, sealed under a key derived from the Idempotency-Key
);
create index commands_age on log.commands (recorded_at);

create view log.events_json as
  select position, recorded_at, stream_id, version, type, schema_ver,
         convert_from(data, 'UTF8')::json as data, convert_from(meta, 'UTF8')::json as meta
    from log.events;

-- What the inline projections do with the changed rows of a batch; they replace this function when they are installed.
create function log.project(tables text[], streams uuid[], changed jsonb[]) returns void
  language plpgsql as $$ begin end $$;

-- Writes a batch into the log, as its owner, for nobody else may. Nothing in it runs, reads or writes what belongs to the service's role
-- (a trigger on a table of the service's would run as the owner), and pg_temp comes last (a temporary type `text` would shadow the real one).
-- Per item (i_*): its stream, the version it expects, its idempotency key. Per event (e_*): which item it belongs to.
-- Answers st = null when all were accepted at base+1.., else per item 0 accepted, 1 version conflict (sv = the actual version),
-- 2 duplicate command (sp = the original position).
create function log.append_events(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_stream uuid[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[], e_leaf bytea[], e_root bytea,
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  previous bytea; ts timestamptz; n int := cardinality(e_item); refused bigint; accepted boolean;
begin
  perform pg_advisory_xact_lock(4701);                               -- held until the commit is durable and visible
  select b.last_position, b.chain, greatest(clock_timestamp(), b.recorded_at) into base, previous, ts
    from log.batches b order by b.last_position desc limit 1;        -- a new statement: its snapshot sees every earlier batch

  select count(*) into refused from unnest(i_stream, i_expected) as t(stream, expected)
    left join lateral (select e.version from log.events e where e.stream_id = t.stream order by e.version desc limit 1) m on true
   where coalesce(m.version, 0) <> t.expected;                       -- keep the limit 1: with `exists .. or ..` the planner hashed the whole table
  if refused = 0 and i_command is not null then
    select count(k.command_id) into refused from unnest(i_command) as t(c)
      left join lateral (select k.command_id from log.commands k where k.command_id = t.c limit 1) k on true;
  end if;

  if refused = 0 then                                                -- the fast path: everything is accepted
    insert into log.events (position, recorded_at, stream_id, version, schema_ver, type, leaf, meta, data)
      select base + o, ts, s, v, q, t, l, m, d
        from unnest(e_stream, e_version, e_schema, e_type, e_leaf, e_meta, e_data) with ordinality as e(s, v, q, t, l, m, d, o);
    insert into log.batches values (base + n, base + 1, ts, e_root, log.chain(previous, base + 1, base + n, ts, e_root));
    if i_command is not null then
      insert into log.commands (command_id, recorded_at, last_position, fingerprint, response)
        select i_command[e.i], ts, base + max(e.o), i_fingerprint[e.i], i_response[e.i]
          from unnest(e_item) with ordinality as e(i, o) where i_command[e.i] is not null group by e.i;
    end if;
    perform pg_notify('muniment_log', (base + n)::text);
    return;
  end if;

  with items as materialized (                                       -- the slow path: judge each item, place the accepted ones densely
    select t.ord::int as ord, coalesce(v.version, 0) as actual, k.last_position as original,
           k.command_id is null and t.expected = coalesce(v.version, 0) as ok
      from unnest(i_stream, i_expected, coalesce(i_command, array_fill(null::uuid, array[cardinality(i_stream)])))
           with ordinality as t(stream, expected, command, ord)
      left join lateral (select e.version from log.events e where e.stream_id = t.stream order by e.version desc limit 1) v on true
      left join lateral (select c.command_id, c.last_position from log.commands c where c.command_id = t.command limit 1) k on true
  ), placed as (
    insert into log.events (position, recorded_at, stream_id, version, schema_ver, type, leaf, meta, data)
      select base + row_number() over (order by e.o), ts, e.s, e.v, e.q, e.t, e.l, e.m, e.d
        from unnest(e_item, e_stream, e_version, e_schema, e_type, e_leaf, e_meta, e_data) with ordinality as e(i, s, v, q, t, l, m, d, o)
        join items on items.ord = e.i and items.ok
    returning position, stream_id, leaf
  ), batch as (
    select min(position) as first, max(position) as last, sha256(string_agg(leaf, ''::bytea order by position)) as root from placed
  ), chained as (
    insert into log.batches select last, first, ts, root, log.chain(previous, first, last, ts, root) from batch where last is not null
  ), lasts as (
    select stream_id, max(position) as position from placed group by stream_id
  ), kept as (
    insert into log.commands (command_id, recorded_at, last_position, fingerprint, response)
      select i_command[items.ord], ts, lasts.position, i_fingerprint[items.ord], i_response[items.ord]
        from items join lasts on lasts.stream_id = i_stream[items.ord] where items.ok and i_command[items.ord] is not null
  )
  select array_agg(case when items.ok then 0 when items.original is not null then 2 else 1 end order by items.ord),
         array_agg(items.actual order by items.ord),
         array_agg(coalesce(lasts.position, items.original) order by items.ord),
         bool_or(items.ok)
    into st, sv, sp, accepted
    from items left join lasts on items.ok and lasts.stream_id = i_stream[items.ord];

  if accepted then
    perform pg_notify('muniment_log', (select max(p) from unnest(sp, st) as x(p, s) where x.s = 0)::text);
  end if;
end $$;

-- Appends a batch, and writes the changed rows (c_*) of its accepted items in the same transaction: as the caller, whose tables they are.
create function log.append(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_stream uuid[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[], e_leaf bytea[], e_root bytea,
  c_item int[], c_table text[], c_stream uuid[], c_row jsonb[],
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql as $$
#variable_conflict use_variable
begin
  select r.base, r.st, r.sv, r.sp into base, st, sv, sp
    from log.append_events(i_stream, i_expected, i_command, i_fingerprint, i_response,
                           e_item, e_stream, e_version, e_schema, e_type, e_meta, e_data, e_leaf, e_root) as r;
  if st is null and c_item is not null then
    perform log.project(c_table, c_stream, c_row);
  elsif c_item is not null then
    perform log.project(array_agg(c.t), array_agg(c.s), array_agg(c.r))
       from unnest(c_item, c_table, c_stream, c_row) as c(i, t, s, r) where st[c.i] = 0 having count(*) > 0;
  end if;
end $$;

create function log.chain(previous bytea, first bigint, last bigint, recorded_at timestamptz, root bytea) returns bytea
  language sql stable
  return sha256(previous || int8send(first) || int8send(last) || int8send((extract(epoch from recorded_at) * 1000000)::bigint) || root);

create function log.forget_old_commands() returns bigint language sql security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (delete from log.commands where recorded_at < clock_timestamp() - interval '24 hours' returning 1) select count(*) from gone;
$$;

create function log.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the log is append-only: % of %.% is refused', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on log.events  for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.batches for each statement execute function log.refuse_change();
