-- The function of before, now for items without a token too: what an authorization was decided from may not have changed either.
-- Appends a batch, and records the tokens (r_*) of its accepted items in the same transaction, so that neither is ever without the other.
-- Of each item, u_* are streams to which nothing may have happened after the position u_since: otherwise nothing of the batch is appended,
-- and `overtaken` has those items. The lock of the event log comes first everywhere, so that no two transactions wait for each other.
create or replace function log.append_with_tokens(
  i_stream uuid[], i_expected int[], i_command uuid[], i_fingerprint bytea[], i_response bytea[],
  e_item int[], e_version int[], e_schema smallint[], e_type text[], e_meta bytea[], e_data bytea[],
  c_item int[], c_table text[], c_stream uuid[], c_row jsonb[],
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
    from log.append(i_stream, i_expected, i_command, i_fingerprint, i_response, e_item, e_version, e_schema, e_type, e_meta, e_data,
                    c_item, c_table, c_stream, c_row) as r;
  if st is null and cardinality(r_jti) > 0 then
    perform log.issue(r_client, r_secret, r_jti, r_data);
  elsif st is not null then
    perform log.issue(array_agg(r.c), array_agg(r.s), array_agg(r.j), array_agg(r.d))
       from unnest(r_item, r_client, r_secret, r_jti, r_data) as r(i, c, s, j, d) where st[r.i] = 0 having count(*) > 0;
  end if;
end $$;
