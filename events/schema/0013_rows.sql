-- Appends a batch as before, and in the same transaction writes what its accepted items make of the inline projections: one value for the
-- whole batch, which projections/schema/0025_rows.sql describes. The functions of the version before stay for its processes.
create function log.append(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[], c_rows jsonb,
  out base bigint, out st int[], out sv int[], out sp bigint[])
language plpgsql as $$
#variable_conflict use_variable
begin
  select r.base, r.st, r.sv, r.sp into base, st, sv, sp
    from log.append_events(i_stream, i_expected, i_command, i_fingerprint, i_response,
                           e_item, e_version, e_schema, e_type, e_meta, e_data) as r;
  if st is null and c_rows is not null then
    perform log.project(c_rows);
  elsif c_rows is not null then
    perform log.project(log.rows_of(c_rows, (select array_agg(i.stream::text) from unnest(i_stream, st) as i (stream, state) where i.state = 0)));
  end if;
end $$;

-- What is left of a batch's rows if only these streams were appended to.
create function log.rows_of(rows jsonb, streams text[]) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(t.name, t.kinds), '{}')
    from (select t.key as name, jsonb_object_agg(k.key, (
                   select coalesce(jsonb_agg(r.value), '[]') from jsonb_array_elements(k.value) as r
                    where coalesce(r.value ->> 'stream_id', r.value #>> '{}') = any (streams))) as kinds
            from jsonb_each(rows) as t, jsonb_each(t.value) as k group by t.key) as t;
$$;

-- The same, and records the tokens (r_*) of its accepted items in the same transaction, so that neither is ever without the other. An item
-- need not have one. Of each item, u_* are streams to which nothing may have happened after the position u_since: otherwise nothing of the
-- batch is appended, and `overtaken` has those items. The lock of the event log comes first everywhere, so that no two transactions wait for
-- each other.
create function log.append_with_tokens(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[], c_rows jsonb,
  r_item int[], r_client uuid[], r_secret uuid[], r_jti uuid[], r_data bytea[],
  u_item int[], u_stream uuid[], u_since bigint[],
  out base bigint, out st int[], out sv int[], out sp bigint[], out overtaken int[])
language plpgsql as $$
#variable_conflict use_variable
begin
  perform pg_advisory_xact_lock(4701);                               -- log.append takes it once more; what is read below is true until the commit
  select array_agg(distinct u.i) into overtaken from unnest(u_item, u_stream, u_since) as u(i, s, since)
    join lateral (select e.position from log.events e where e.stream_id = u.s order by e.version desc limit 1) last on last.position > u.since;
  if overtaken is not null then
    return;
  end if;
  select r.base, r.st, r.sv, r.sp into base, st, sv, sp
    from log.append(i_stream, i_expected, i_command, i_fingerprint, i_response, e_item, e_version, e_schema, e_type, e_meta, e_data, c_rows) as r;
  if st is null and cardinality(r_jti) > 0 then
    perform log.issue(r_client, r_secret, r_jti, r_data);
  elsif st is not null then
    perform log.issue(array_agg(r.c), array_agg(r.s), array_agg(r.j), array_agg(r.d))
       from unnest(r_item, r_client, r_secret, r_jti, r_data) as r(i, c, s, j, d) where st[r.i] = 0 having count(*) > 0;
  end if;
end $$;

do $$
declare one regprocedure;
begin
  foreach one in array array[
    'log.append(uuid[],int[],uuid[],bytea[],bytea[],int[],int[],smallint[],text[],bytea[],bytea[],jsonb)', 'log.rows_of(jsonb,text[])',
    'log.append_with_tokens(uuid[],int[],uuid[],bytea[],bytea[],int[],int[],smallint[],text[],bytea[],bytea[],jsonb,int[],uuid[],uuid[],uuid[],bytea[],int[],uuid[],bigint[])'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public', one);
    execute format('grant execute on function %s to muniment_service', one);
  end loop;
end $$;
