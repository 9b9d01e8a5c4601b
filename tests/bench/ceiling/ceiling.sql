-- What the ceiling programs ask of Postgres. The first part is their tables: what must be kept, and nothing that proves it.

-- SCHEMA
create table issued (position bigint generated always as identity, issued_at timestamptz not null default clock_timestamp(),
  client uuid not null, jti uuid not null, data bytea not null);
create table events (position bigint generated always as identity primary key, recorded_at timestamptz not null default clock_timestamp(),
  stream_id uuid not null, version int not null, type text not null, meta bytea not null, data bytea not null, unique (stream_id, version));
create table clients (stream_id uuid primary key, client_id text not null, owner text not null, bot_user_id text not null,
  display_name text, scopes text[] not null, secrets jsonb not null, state text not null, version int not null);
create table revoked (jti uuid primary key);
create table used (key text primary key, until timestamptz not null);

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
