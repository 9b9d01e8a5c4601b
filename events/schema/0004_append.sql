-- What is appended is hashed here, and nothing of it is taken on trust: the role that may append can neither store a leaf that is not
-- the leaf of its bytes, nor a batch that leaves a gap, nor a version that does not follow. (It can append an event that makes no sense.)
-- The functions of the version before, which were told leaf and root, stay for its processes and pass nothing of the kind on.

-- Per item (i_*): its stream, the version it expects, its idempotency key. Per event (e_*): which item it belongs to, in the order of
-- the items. The answer is that of the function before.
create function log.append_events(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[],
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  previous bytea; root bytea; ts timestamptz; refused bigint; accepted boolean;
  items int := cardinality(i_stream); n int := cardinality(e_item);
begin
  if (n > 0 and n = all (array[cardinality(e_version), cardinality(e_schema), cardinality(e_type), cardinality(e_meta), cardinality(e_data)])
      and items = all (array[cardinality(i_expected), coalesce(cardinality(i_command), items),
                             coalesce(cardinality(i_fingerprint), items), coalesce(cardinality(i_response), items)])) is not true then
    raise exception 'nothing was appended: the arrays of the items, or those of the events, are not of one length' using errcode = 'invalid_parameter_value';
  end if;
  perform from unnest(e_item, e_version) with ordinality as e(i, v, o)
    where (case when i = e_item[o - 1] then v = e_version[o - 1] + 1
                else i > coalesce(e_item[o - 1], 0) and v = i_expected[i] + 1 end) is not true;
  if found then
    raise exception 'nothing was appended: the versions of an item do not follow the one that it expects' using errcode = 'invalid_parameter_value';
  end if;

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
    with placed as (
      insert into log.events (position, recorded_at, stream_id, version, schema_ver, type, meta, data, leaf)
        select base + o, ts, s, v, q, t, m, d,                       -- the leaf stands here and below, not in a function: a call for each row costs more than the hash
               sha256('\x00'::bytea || uuid_send(s) || int4send(v) || int2send(q) || int2send(octet_length(t)::smallint)
                      || convert_to(t, 'UTF8') || int4send(octet_length(m)) || m || d)
          from (select o, i_stream[i], v, q, t, m, d
                  from unnest(e_item, e_version, e_schema, e_type, e_meta, e_data) with ordinality as e(i, v, q, t, m, d, o)) as e(o, s, v, q, t, m, d)
      returning position, leaf
    )
    select sha256(string_agg(placed.leaf, ''::bytea order by placed.position)) into root from placed;
    insert into log.batches values (base + n, base + 1, ts, root, log.chain(previous, base + 1, base + n, ts, root));
    if i_command is not null then
      insert into log.commands (command_id, recorded_at, last_position, fingerprint, response)
        select i_command[e.i], ts, base + max(e.o), i_fingerprint[e.i], i_response[e.i]
          from unnest(e_item) with ordinality as e(i, o) where i_command[e.i] is not null group by e.i;
    end if;
    perform pg_notify('muniment_log', (base + n)::text);
    return;
  end if;

  with items as materialized (                                       -- the slow path: judge each item, place the accepted ones densely
    select t.ord::int as ord, t.stream, coalesce(v.version, 0) as actual, k.last_position as original,
           k.command_id is null and t.expected = coalesce(v.version, 0) as ok
      from unnest(i_stream, i_expected, coalesce(i_command, array_fill(null::uuid, array[items])))
           with ordinality as t(stream, expected, command, ord)
      left join lateral (select e.version from log.events e where e.stream_id = t.stream order by e.version desc limit 1) v on true
      left join lateral (select c.command_id, c.last_position from log.commands c where c.command_id = t.command limit 1) k on true
  ), placed as (
    insert into log.events (position, recorded_at, stream_id, version, schema_ver, type, meta, data, leaf)
      select base + row_number() over (order by e.o), ts, items.stream, e.v, e.q, e.t, e.m, e.d,
             sha256('\x00'::bytea || uuid_send(items.stream) || int4send(e.v) || int2send(e.q) || int2send(octet_length(e.t)::smallint)
                    || convert_to(e.t, 'UTF8') || int4send(octet_length(e.m)) || e.m || e.d)
        from unnest(e_item, e_version, e_schema, e_type, e_meta, e_data) with ordinality as e(i, v, q, t, m, d, o)
        join items on items.ord = e.i and items.ok
    returning position, stream_id, leaf
  ), batch as (
    select min(position) as first, max(position) as last, sha256(string_agg(leaf, ''::bytea order by position)) as root from placed
  ), chained as (
    insert into log.batches select b.last, b.first, ts, b.root, log.chain(previous, b.first, b.last, ts, b.root) from batch b where b.last is not null
  ), lasts as (
    select stream_id, max(position) as position from placed group by stream_id
  ), kept as (
    insert into log.commands (command_id, recorded_at, last_position, fingerprint, response)
      select i_command[items.ord], ts, lasts.position, i_fingerprint[items.ord], i_response[items.ord]
        from items join lasts on lasts.stream_id = items.stream where items.ok and i_command[items.ord] is not null
  )
  select array_agg(case when items.ok then 0 when items.original is not null then 2 else 1 end order by items.ord),
         array_agg(items.actual order by items.ord),
         array_agg(coalesce(lasts.position, items.original) order by items.ord),
         bool_or(items.ok)
    into st, sv, sp, accepted
    from items left join lasts on items.ok and lasts.stream_id = items.stream;

  if accepted then
    perform pg_notify('muniment_log', (select max(p) from unnest(sp, st) as x(p, s) where x.s = 0)::text);
  end if;
end $$;

-- Appends a batch, and writes the changed rows (c_*) of its accepted items in the same transaction: as the caller, whose tables they are.
create function log.append(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[],
  c_item int[], c_table text[], c_stream uuid[], c_row jsonb[],
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql as $$
#variable_conflict use_variable
begin
  select r.base, r.st, r.sv, r.sp into base, st, sv, sp
    from log.append_events(i_stream, i_expected, i_command, i_fingerprint, i_response,
                           e_item, e_version, e_schema, e_type, e_meta, e_data) as r;
  if st is null and c_item is not null then
    perform log.project(c_table, c_stream, c_row);
  elsif c_item is not null then
    perform log.project(array_agg(c.t), array_agg(c.s), array_agg(c.r))
       from unnest(c_item, c_table, c_stream, c_row) as c(i, t, s, r) where st[c.i] = 0 having count(*) > 0;
  end if;
end $$;

create or replace function log.append_events(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_stream uuid[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[], e_leaf bytea[], e_root bytea,
  out base bigint, out st int[], out sv int[], out sp bigint[])
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from log.append_events(i_stream, i_expected, i_command, i_fingerprint, i_response, e_item, e_version, e_schema, e_type, e_meta, e_data);
$$;

-- Records a batch of tokens; answers the head of the event log as of this commit, so that a process whose
-- view of clients is older finds out before any of these tokens leaves it.
create function log.issue(r_client uuid[], r_secret uuid[], r_jti uuid[], r_data bytea[], out base bigint, out head bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare previous bytea; root bytea; ts timestamptz; n int := cardinality(r_jti);
begin
  if (n > 0 and n = all (array[cardinality(r_client), cardinality(r_secret), cardinality(r_data)])) is not true then
    raise exception 'nothing was recorded: the arrays are not of one length' using errcode = 'invalid_parameter_value';
  end if;
  select sha256(string_agg(sha256('\x00'::bytea || uuid_send(c) || uuid_send(s) || uuid_send(j) || d), ''::bytea order by o)) into root
    from unnest(r_client, r_secret, r_jti, r_data) with ordinality as r(c, s, j, d, o);
  perform pg_advisory_xact_lock(4702);
  select b.last_position, b.chain, greatest(clock_timestamp(), b.recorded_at) into base, previous, ts
    from log.issuance_batches b order by b.last_position desc limit 1;
  insert into log.issuance (position, issued_at, client, secret, jti, data)
    select base + o, ts, c, s, j, d from unnest(r_client, r_secret, r_jti, r_data) with ordinality as r(c, s, j, d, o);
  insert into log.issuance_batches values (base + n, base + 1, ts, root, log.chain(previous, base + 1, base + n, ts, root));
  select b.last_position into head from log.batches b order by b.last_position desc limit 1;
end $$;

create or replace function log.issue(
  r_client uuid[], r_secret uuid[], r_jti uuid[], r_data bytea[], r_root bytea, out base bigint, out head bigint)
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from log.issue(r_client, r_secret, r_jti, r_data);
$$;

-- A partition is a table: no caller makes more of them than two months take.
alter function log.make_partitions(int) rename to make_partitions_unbounded;
revoke all on function log.make_partitions_unbounded from public, muniment_service;
create function log.make_partitions(ahead int) returns int
  language sql security definer set search_path = pg_catalog, pg_temp
  return log.make_partitions_unbounded(least(ahead, 60));

do $$
declare one regprocedure;
begin
  foreach one in array array[
    'log.append_events(uuid[],int[],uuid[],bytea[],bytea[],int[],int[],smallint[],text[],bytea[],bytea[])',
    'log.append(uuid[],int[],uuid[],bytea[],bytea[],int[],int[],smallint[],text[],bytea[],bytea[],int[],text[],uuid[],jsonb[])',
    'log.issue(uuid[],uuid[],uuid[],bytea[])', 'log.make_partitions(int)']::regprocedure[] loop
    execute format('revoke all on function %s from public', one);
    execute format('grant execute on function %s to muniment_service', one);
  end loop;
end $$;
