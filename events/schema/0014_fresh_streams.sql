-- Appends and records tokens in fewer statements, because each statement costs 10 to 20 microseconds whatever it does. What may be stored is as
-- before: nothing is taken on trust.
--
-- A stream whose id was made for this append expects null instead of 0. Nobody can have appended to it, so it is not looked for. If the stream
-- exists all the same, the constraint events_stream refuses the batch.
-- Stands in the place of the stream of an event whose item or version is wrong.
create function log.misplaced() returns uuid language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'nothing was appended: the versions of an item do not follow the one that it expects' using errcode = 'invalid_parameter_value';
end $$;
revoke all on function log.misplaced() from public;

create or replace function log.append_events(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[],
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql security definer set search_path = pg_catalog, pg_temp
  set enable_seqscan = off as $$ -- a plan that was made while a table was small stays when it has grown
#variable_conflict use_variable
declare
  previous bytea; ts timestamptz; refused bigint := 0; accepted boolean;
  items int := cardinality(i_stream); n int := cardinality(e_item);
begin
  -- What is checked and what is stored are taken by number from the same arrays: these have one dimension that begins at 1.
  if (1 = all (array[array_ndims(i_stream), array_lower(i_stream, 1), array_ndims(i_expected), array_lower(i_expected, 1),
                     array_ndims(e_item), array_lower(e_item, 1), array_ndims(e_version), array_lower(e_version, 1)])
      and (i_command is null
           or 1 = all (array[array_ndims(i_command), array_lower(i_command, 1), array_ndims(i_fingerprint), array_lower(i_fingerprint, 1),
                             array_ndims(i_response), array_lower(i_response, 1)]))) is not true then
    raise exception 'nothing was appended: the arrays are not of one dimension that begins at 1' using errcode = 'invalid_parameter_value';
  end if;
  if (n > 0 and n = all (array[cardinality(e_version), cardinality(e_schema), cardinality(e_type), cardinality(e_meta), cardinality(e_data)])
      and items = cardinality(i_expected)
      and (i_command is null or items = all (array[cardinality(i_command), cardinality(i_fingerprint), cardinality(i_response)]))) is not true then
    raise exception 'nothing was appended: the arrays of the items, or those of the events, are not of one length' using errcode = 'invalid_parameter_value';
  end if;

  perform pg_advisory_xact_lock(4701);                               -- held until the commit is durable and visible
  select b.last_position, b.chain, greatest(clock_timestamp(), b.recorded_at) into base, previous, ts
    from log.batches b order by b.last_position desc limit 1;        -- a new statement: its snapshot sees every earlier batch

  if 0 <= any (i_expected) then
    select count(*) into refused from unnest(i_stream, i_expected) as t(stream, expected)
      left join lateral (select e.version from log.events e where e.stream_id = t.stream order by e.version desc limit 1) m on true
     where t.expected is not null and coalesce(m.version, 0) <> t.expected;  -- keep the limit 1: with `exists .. or ..` the planner hashed the whole table
  end if;
  if refused = 0 and i_command is not null then
    select count(*) into refused from log.commands k where k.command_id = any (i_command);
  end if;

  if refused = 0 then                                                -- the fast path: everything is accepted
    with placed as (
      insert into log.events (position, recorded_at, stream_id, version, schema_ver, type, meta, data, leaf)
        select base + o, ts, s, v, q, t, m, d,                       -- the leaf stands here and below, not in a function: a call for each row costs more than the hash
               sha256('\x00'::bytea || uuid_send(s) || int4send(v) || int2send(q) || int2send(octet_length(t)::smallint)
                      || convert_to(t, 'UTF8') || int4send(octet_length(m)) || m || d)
          from (select o, v, q, t, m, d,
                       case when (case when i = e_item[o - 1] then v = e_version[o - 1] + 1
                                       else i > coalesce(e_item[o - 1], 0) and i <= items and v = coalesce(i_expected[i], 0) + 1 end)
                            then i_stream[i] else log.misplaced() end
                  from unnest(e_item, e_version, e_schema, e_type, e_meta, e_data) with ordinality as e(i, v, q, t, m, d, o) offset 0) as e(o, v, q, t, m, d, s)
      returning position, leaf
    )
    insert into log.batches
      select base + n, base + 1, ts, r.root, log.chain(previous, base + 1, base + n, ts, r.root)
        from (select sha256(string_agg(placed.leaf, ''::bytea order by placed.position)) as root from placed) as r;
    if i_command is not null then
      insert into log.commands (command_id, recorded_at, last_position, fingerprint, response)
        select i_command[e.i], ts, base + max(e.o), i_fingerprint[e.i], i_response[e.i]
          from unnest(e_item) with ordinality as e(i, o) where i_command[e.i] is not null group by e.i;
    end if;
    perform pg_notify('muniment_log', (base + n)::text);
    return;
  end if;

  perform from unnest(e_item, e_version) with ordinality as e(i, v, o)   -- the rule of above
    where (case when i = e_item[o - 1] then v = e_version[o - 1] + 1
                else i > coalesce(e_item[o - 1], 0) and i <= items and v = coalesce(i_expected[i], 0) + 1 end) is not true;
  if found then
    perform log.misplaced();
  end if;
  with items as materialized (                                       -- the slow path: judge each item, place the accepted ones densely
    select t.ord::int as ord, t.stream, coalesce(v.version, 0) as actual, k.last_position as original,
           k.command_id is null and coalesce(t.expected, 0) = coalesce(v.version, 0) as ok
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
drop function log.append_counted(uuid[], int[], uuid[], bytea[], bytea[], int[], int[], smallint[], text[], bytea[], bytea[]);

create or replace function log.issue(r_client uuid[], r_secret uuid[], r_jti uuid[], r_data bytea[], out base bigint, out head bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare previous bytea; ts timestamptz; n int := cardinality(r_jti);
begin
  if (n > 0 and n = all (array[cardinality(r_client), cardinality(r_secret), cardinality(r_data)])) is not true then
    raise exception 'nothing was recorded: the arrays are not of one length' using errcode = 'invalid_parameter_value';
  end if;
  perform pg_advisory_xact_lock(4702);
  select b.last_position, b.chain, greatest(clock_timestamp(), b.recorded_at) into base, previous, ts
    from log.issuance_batches b order by b.last_position desc limit 1;
  with placed as (
    insert into log.issuance (position, issued_at, client, secret, jti, data)
      select base + o, ts, c, s, j, d from unnest(r_client, r_secret, r_jti, r_data) with ordinality as r(c, s, j, d, o)
  )
  insert into log.issuance_batches
    select base + n, base + 1, ts, r.root, log.chain(previous, base + 1, base + n, ts, r.root)
      from (select sha256(string_agg(sha256('\x00'::bytea || uuid_send(c) || uuid_send(s) || uuid_send(j) || d), ''::bytea order by o)) as root
              from unnest(r_client, r_secret, r_jti, r_data) with ordinality as r(c, s, j, d, o)) as r;
  select b.last_position into head from log.batches b order by b.last_position desc limit 1;
end $$;
