-- Tables made of what has happened. The service owns them, for it rebuilds them beside and swaps; the log is the truth.
create schema read authorization muniment_service;

create table read.clients (                                          -- the lookup table of the token endpoint
  stream_id     uuid        not null primary key,
  client_id     text        not null,
  owner         text        not null,
  grant_type    text        not null,
  bot_user_id   text,
  display_name  text,
  redirect_uris text[]      not null,
  scopes        text[]      not null,
  secrets       jsonb       not null,                                -- [{secret_id, name, hash, hint, created_at, expires_at}]
  state         text        not null check (state in ('active', 'disabled')),
  created_at    timestamptz not null,
  version       integer     not null
);
create index clients_owner on read.clients (owner, stream_id);
create index clients_bot on read.clients (bot_user_id) where bot_user_id is not null;

create table read.bots (
  stream_id  uuid        not null primary key,
  bot_id     text        not null unique,
  owner      text        not null,
  email      text,                                                   -- null once deleted, so that the address is free again
  first_name text,
  last_name  text,
  state      text        not null check (state in ('active', 'disabled', 'deleted')),
  created_at timestamptz not null,
  version    integer     not null
);
create unique index bots_email on read.bots (lower(email));
create index bots_owner on read.bots (owner, stream_id);

create table read.signing_keys (
  stream_id    uuid        not null primary key,
  kid          text        not null,
  alg          text        not null,
  public_jwk   jsonb       not null,
  state        text        not null check (state in ('published', 'active', 'retired')),
  published_at timestamptz not null,
  activated_at timestamptz,
  retired_at   timestamptz,
  version      integer     not null
);

create table read.revoked_tokens (                                   -- stream_id is the token's jti
  stream_id  uuid        not null primary key,
  client_id  text        not null,
  revoked_at timestamptz not null,
  expires_at timestamptz not null,
  version    integer     not null
);
create index revoked_tokens_alive on read.revoked_tokens (expires_at);

create table read.last_used (                                        -- catch-up, from the issuance log
  kind     text        not null check (kind in ('client', 'secret', 'bot')),
  id       text        not null,
  used_at  timestamptz not null,
  tokens   bigint      not null,
  primary key (kind, id)
);

create table read.checkpoints (                                      -- where each catch-up projection is, and how it is
  name            text        not null primary key,
  version         integer     not null,
  position        bigint      not null,
  chain           bytea       not null,                              -- the chain at that position: sees a log that lost or changed history
  state           text        not null check (state in ('active', 'failed')),
  failed_position bigint,
  error           text,
  updated_at      timestamptz not null default clock_timestamp()
);

-- The inline projections: whole rows, written in the append's own transaction. A null row is a row that is no more.
create or replace function log.project(tables text[], streams uuid[], changed jsonb[]) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  if 'clients' = any (tables) then
    delete from read.clients as t using unnest(tables, streams, changed) as c(name, stream, row)
     where c.name = 'clients' and c.row is null and t.stream_id = c.stream;
    insert into read.clients as t (stream_id, client_id, owner, grant_type, bot_user_id, display_name, redirect_uris, scopes, secrets, state, created_at, version)
      select r.stream_id, r.client_id, r.owner, r.grant_type, r.bot_user_id, r.display_name, r.redirect_uris, r.scopes, r.secrets, r.state, r.created_at, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.clients, c.row) as r where c.name = 'clients' and c.row is not null
    on conflict (stream_id) do update set owner = excluded.owner, bot_user_id = excluded.bot_user_id, display_name = excluded.display_name,
      redirect_uris = excluded.redirect_uris, scopes = excluded.scopes, secrets = excluded.secrets, state = excluded.state, version = excluded.version;
  end if;
  if 'bots' = any (tables) then
    insert into read.bots as t (stream_id, bot_id, owner, email, first_name, last_name, state, created_at, version)
      select r.stream_id, r.bot_id, r.owner, r.email, r.first_name, r.last_name, r.state, r.created_at, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.bots, c.row) as r where c.name = 'bots'
    on conflict (stream_id) do update set email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
      state = excluded.state, version = excluded.version;
  end if;
  if 'signing_keys' = any (tables) then
    insert into read.signing_keys as t (stream_id, kid, alg, public_jwk, state, published_at, activated_at, retired_at, version)
      select r.stream_id, r.kid, r.alg, r.public_jwk, r.state, r.published_at, r.activated_at, r.retired_at, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.signing_keys, c.row) as r where c.name = 'signing_keys'
    on conflict (stream_id) do update set state = excluded.state, activated_at = excluded.activated_at, retired_at = excluded.retired_at, version = excluded.version;
  end if;
  if 'revoked_tokens' = any (tables) then
    insert into read.revoked_tokens as t (stream_id, client_id, revoked_at, expires_at, version)
      select r.stream_id, r.client_id, r.revoked_at, r.expires_at, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.revoked_tokens, c.row) as r where c.name = 'revoked_tokens'
    on conflict (stream_id) do nothing;
  end if;
end $$;

do $$
declare name text;
begin
  foreach name in array array['clients', 'bots', 'signing_keys', 'revoked_tokens', 'last_used', 'checkpoints'] loop
    execute format('alter table read.%I owner to muniment_service', name);
  end loop;
end $$;
