-- The tables of the ceiling program: what must be kept, and nothing that proves it.
create table issued (position bigint generated always as identity, issued_at timestamptz not null default clock_timestamp(),
  client uuid not null, jti uuid not null, data bytea not null);
create table events (position bigint generated always as identity primary key, recorded_at timestamptz not null default clock_timestamp(),
  stream_id uuid not null, version int not null, type text not null, meta bytea not null, data bytea not null, unique (stream_id, version));
create table clients (stream_id uuid primary key, client_id text not null, owner text not null, bot_user_id text not null,
  display_name text, scopes text[] not null, secrets jsonb not null, state text not null, version int not null);
create table revoked (jti uuid primary key);
create table used (key text primary key, until timestamptz not null);
