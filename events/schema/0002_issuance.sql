-- The issuance log: every token, recorded before it leaves. The same order and chain as the event log, under a lock of its own,
-- narrow, without versions, in day partitions that retention drops whole while their chain stays.
create table log.issuance (
  position  bigint      not null,
  issued_at timestamptz not null,
  client    uuid        not null,                                    -- the client's stream
  secret    uuid        not null,                                    -- the secret that it proved itself with
  jti       uuid        not null,
  data      bytea       not null                                     -- canonical JSON: sub, scope, kid, expiry, address
) partition by range (issued_at);
create table log.issuance_rest partition of log.issuance default;    -- a net: a token is never refused for want of a partition
create index issuance_position on log.issuance (position);              -- always appended at its right end, so it costs little; a BRIN finds nothing new before a vacuum

create table log.issuance_batches (
  last_position  bigint      not null primary key,
  first_position bigint      not null,
  recorded_at    timestamptz not null,
  root           bytea       not null,
  chain          bytea       not null
);
insert into log.issuance_batches
  select 0, 0, '2000-01-01 00:00:00+00', id, sha256(id) from (select uuid_send(gen_random_uuid()) as id) as genesis;

-- Records a batch of tokens; answers the head of the event log as of this commit, so that a process whose
-- view of clients is older finds out before any of these tokens leaves it.
create function log.issue(
  r_client uuid[], r_secret uuid[], r_jti uuid[], r_data bytea[], r_root bytea, out base bigint, out head bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare previous bytea; ts timestamptz; n int := cardinality(r_jti);
begin
  perform pg_advisory_xact_lock(4702);
  select b.last_position, b.chain, greatest(clock_timestamp(), b.recorded_at) into base, previous, ts
    from log.issuance_batches b order by b.last_position desc limit 1;
  insert into log.issuance (position, issued_at, client, secret, jti, data)
    select base + o, ts, c, s, j, d from unnest(r_client, r_secret, r_jti, r_data) with ordinality as r(c, s, j, d, o);
  insert into log.issuance_batches values (base + n, base + 1, ts, r_root, log.chain(previous, base + 1, base + n, ts, r_root));
  select b.last_position into head from log.batches b order by b.last_position desc limit 1;
end $$;

-- Makes the day partitions from today to `ahead` days from now; harmless to repeat, and safe for two processes at once.
-- It gives up at once when somebody reads the log for long (a backup, a verification): waiting, it would hold up every token behind it.
create function log.make_partitions(ahead int) returns int language plpgsql security definer
  set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare day date; made int := 0; name text;
begin
  perform pg_advisory_xact_lock(4703);
  for day in select (now() at time zone 'UTC')::date + g from generate_series(0, ahead) as g loop
    name := 'issuance_' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('log.' || name) is not null;
    continue when exists (select from log.issuance_rest r where r.issued_at >= day::timestamp at time zone 'UTC' and r.issued_at < (day + 1)::timestamp at time zone 'UTC');
    execute format('create table log.%I partition of log.issuance for values from (%L) to (%L)', name,
                   day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    execute format('create trigger append_only before update or delete or truncate on log.%I for each statement execute function log.refuse_change()', name);
    made := made + 1;
  end loop;
  return made;
end $$;
select log.make_partitions(7);

create trigger append_only before update or delete or truncate on log.issuance         for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.issuance_rest    for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.issuance_batches for each statement execute function log.refuse_change();
