-- What the ceiling programs ask of Postgres. The first part is their tables: what must be kept, and nothing that proves it.

-- SCHEMA
create table issued (position bigint generated always as identity, issued_at timestamptz not null default clock_timestamp(),
  client uuid not null, jti uuid not null, data bytea not null);
create table events (position bigint generated always as identity primary key, recorded_at timestamptz not null default clock_timestamp(),
  stream_id uuid not null, version int not null, type text not null, meta bytea not null, data bytea not null, unique (stream_id, version));
create table clients (stream_id uuid primary key, client_id text not null, owner text not null, bot_user_id text not null,
  display_name text, scopes text[] not null, secrets jsonb not null, state text not null, version int not null,
  created_at timestamptz);
create table names (sub text primary key, name text not null);
create table last_used (client uuid primary key, at timestamptz not null);
create table usage (client uuid, day date, tokens int not null, primary key (client, day));
create table revoked (jti uuid primary key);
create table used (key text primary key, until timestamptz not null);
create table people (id uuid primary key, claims bytea not null);
create table sessions (id uuid primary key, token bytea not null, person uuid not null, is_open bool not null, until timestamptz not null);
create table consents (person uuid, client uuid, scopes text[] not null, primary key (person, client));
create table authorizations (id uuid primary key, client uuid not null, person uuid not null, session uuid not null, scopes text[] not null,
  code bytea not null, challenge text not null, until timestamptz not null, redeemed bool not null default false,
  refresh bytea, version int not null, revoked bool not null default false) with (fillfactor = 70);
create table client_history (stream_id uuid not null, from_position bigint not null, to_position bigint not null, snapshot bytea not null,
  primary key (stream_id, to_position));

-- SEED
with person as (
  insert into people select n::text::uuid, $1 from (select lpad(to_hex(i), 32, '0') as n from generate_series(0, 9) i) as p returning id
), consent as (
  insert into consents select id, lpad(i::text, 32, '0')::uuid, $2 from person, generate_series(0, 1) i
), session as (
  insert into sessions select lpad(to_hex(i), 32, '0')::uuid, sha256(('session-' || i)::bytea), lpad(to_hex(i % 10), 32, '0')::uuid, true, now() + '1 day'
  from generate_series(0, $3::int - 1) i
), client as (
  insert into clients select lpad(to_hex(i), 32, '0')::uuid, 'oauth_client_' || lpad(to_hex(i), 32, '0'), 'bench', 'bot-abc123',
    'Salesforce Production Integration', array['api:public'], jsonb_build_array(jsonb_build_object('name', 'first', 'hint', 'abcd', 'created_at', now())), 'active', 1, now()
  from generate_series(0, 99) i
), event as (
  insert into events (stream_id, version, type, meta, data)
  select lpad(to_hex(i % 100), 32, '0')::uuid, i / 100 + 1, 'client.registered', $4, $5 from generate_series(0, 1999) i
)
insert into client_history
select lpad(to_hex(i % 100), 32, '0')::uuid, i + 1, case when i < 900 then i + 101 else 9223372036854775807 end, $6 from generate_series(0, 999) i;

-- ISSUE
insert into issued (client, jti, data) select * from unnest($1::uuid[], $2::uuid[], $3::bytea[]);

-- REGISTER
with event as (
  insert into events (stream_id, version, type, meta, data)
  select s, 1, 'client.registered', m, d from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as r(s, m, d)
)
insert into clients
select r.* from unnest($4::jsonb[]) as c(row), jsonb_populate_record(null::clients, c.row) as r;

-- REVOKED
select jti from revoked where jti = any($1::uuid[]);

-- USE
insert into used (key, until) select * from unnest($1::text[], $2::timestamptz[]) on conflict do nothing returning key;

-- AUTHORIZE
with asked as materialized (
  select a.*, s.person from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::uuid[], $5::text[], $6::bytea[], $7::text[], $8::bytea[], $9::bytea[],
    $10::bytea[]) as a(id, session, token, client, scopes, code, challenge, meta, granted, issued)
  join sessions s on s.id = a.session and s.token = a.token and s.is_open and s.until > now()
  join consents c on c.person = s.person and c.client = a.client and c.scopes @> string_to_array(a.scopes, ' ')
), event as (
  insert into events (stream_id, version, type, meta, data)
  select id, 1, 'authorization.granted', meta, granted from asked
  union all select id, 2, 'authorization.code_issued', meta, issued from asked
)
insert into authorizations (id, client, person, session, scopes, code, challenge, until, version)
select id, client, person, session, string_to_array(scopes, ' '), code, challenge, now() + '1 minute', 2 from asked returning id;

-- REDEEM
with used as (
  update authorizations z set redeemed = true, version = 3, refresh = case when 'offline_access' = any(z.scopes) then a.refresh end
  from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::text[], $5::bytea[], $6::uuid[], $7::bytea[], $8::bytea[], $9::bytea[])
    as a(id, code, client, challenge, refresh, jti, meta, event, token)
  where z.id = a.id and z.code = a.code and z.client = a.client and z.challenge = a.challenge and z.until > now() and not z.redeemed and not z.revoked
  returning z.id, z.person, z.session, z.scopes, z.client, a.jti, a.meta, a.event, a.token
), event as (
  insert into events (stream_id, version, type, meta, data) select id, 3, 'authorization.code_redeemed', meta, event from used
), token as (
  insert into issued (client, jti, data) select client, jti, token from used
)
select u.id, u.person, u.session, u.scopes, p.claims from used u join people p on p.id = u.person;

-- REFRESH
with used as (
  update authorizations z set refresh = a.next, version = z.version + 1
  from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::bytea[], $5::uuid[], $6::bytea[], $7::bytea[], $8::bytea[])
    as a(id, refresh, client, next, jti, meta, event, token)
  where z.id = a.id and z.refresh = a.refresh and z.client = a.client and not z.revoked
  returning z.id, z.person, z.session, z.scopes, z.client, z.version, a.jti, a.meta, a.event, a.token
), event as (
  insert into events (stream_id, version, type, meta, data) select id, version, 'authorization.refresh_token_rotated', meta, event from used
), token as (
  insert into issued (client, jti, data) select client, jti, token from used
)
select u.id, u.person, u.session, u.scopes, p.claims from used u join people p on p.id = u.person;

-- USERINFO
select z.id, p.claims from authorizations z join people p on p.id = z.person where z.id = any($1::uuid[]) and not z.revoked;

-- AS_OF
select a.number, h.snapshot from unnest($1::int[], $2::uuid[], $3::bigint[]) as a(number, stream, position)
cross join lateral (
  select snapshot from client_history where stream_id = a.stream and to_position > a.position and from_position <= a.position
  order by to_position limit 1
) as h;

-- EVENTS
select position, recorded_at, stream_id, version, type, meta, data from events where position > $1 order by position limit 100;

-- CLIENTS
with who as (select p.claims from sessions s join people p on p.id = s.person where s.id = $1 and s.token = $2 and s.is_open and s.until > now())
select c.client_id, c.display_name, c.state, c.scopes, c.owner, n.name, c.bot_user_id, c.created_at, l.at,
    (select array_agg(u.tokens order by u.day) from usage u where u.client = c.stream_id and u.day > current_date - 14), c.secrets, who.claims
  from who cross join lateral (select * from clients order by stream_id limit 50) as c
  left join names n on n.sub = c.owner left join last_used l on l.client = c.stream_id
 order by c.stream_id;
