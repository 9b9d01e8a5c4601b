-- People: who can log in, where they are logged in, what they allowed whom, and what came of that.
alter table read.clients add column public boolean not null default false, add column login jsonb;
update read.clients set login = '{"require_pkce": true, "first_party": false, "id_token_alg": "RS256", "post_logout_redirect_uris": [], "backchannel_logout_uri": null}'
 where grant_type = 'authorization_code';

create table read.users (                                            -- whatever tells who the person is, is sealed
  stream_id   uuid        not null primary key,
  state       text        not null check (state in ('active', 'disabled', 'erased')),
  verified    boolean     not null,
  profile     text,
  password    text,
  password_at timestamptz,
  factors     jsonb       not null,                                  -- [{factor_id, kind, kept, created_at}]
  created_at  timestamptz not null,
  version     integer     not null
);
create index users_stopped on read.users (stream_id) where state <> 'active';
create index users_password on read.users (password_at) where password_at > created_at;

create table read.sessions (
  stream_id        uuid        not null primary key,
  user_id          uuid        not null,
  token_hash       text        not null,                             -- SHA-256 of the random part of the cookie
  amr              text[]      not null,
  acr              text        not null,
  device           text,                                             -- sealed; null once the session is over
  state            text        not null check (state in ('open', 'ended')),
  started_at       timestamptz not null,
  authenticated_at timestamptz not null,
  expires_at       timestamptz not null,
  ended_at         timestamptz,
  notify           text[]      not null,                             -- clients that have yet to be told of the end
  version          integer     not null
);
create index sessions_user on read.sessions (user_id) where state = 'open';
create index sessions_expiring on read.sessions (expires_at) where state = 'open';
create index sessions_ended on read.sessions (ended_at) where ended_at is not null;
create index sessions_notify on read.sessions (ended_at) where notify <> '{}';

create table read.consents (
  stream_id    uuid        not null primary key,                     -- named by user, client and resource
  user_id      uuid        not null,
  client_id    text        not null,
  resource     text,
  scopes       text[]      not null,
  state        text        not null check (state in ('given', 'withdrawn')),
  given_at     timestamptz not null,
  withdrawn_at timestamptz,                                          -- the last time, even if it was given again since
  version      integer     not null
);
create index consents_client on read.consents (client_id);
create index consents_user on read.consents (user_id) where state = 'given';
create index consents_withdrawn on read.consents (withdrawn_at) where withdrawn_at is not null;

create table read.authorizations (
  stream_id     uuid        not null primary key,
  client        uuid        not null,
  user_id       uuid        not null,
  session_id    uuid        not null,
  scopes        text[]      not null,
  resource      text,
  state         text        not null check (state in ('active', 'revoked')),
  granted_at    timestamptz,
  redeemed_at   timestamptz,
  used_at       timestamptz,                                         -- when a token was last got with it
  refresh_until timestamptz,
  revoked_at    timestamptz,
  why           text,
  version       integer     not null
);
create index authorizations_user on read.authorizations (user_id) where state = 'active';
create index authorizations_session on read.authorizations (session_id) where state = 'active';
create index authorizations_revoked on read.authorizations (revoked_at) where revoked_at is not null;

-- The inline projections: whole rows, written in the append's own transaction. A null row is a row that is no more.
-- A process of the version before knows neither `public` nor `login`, and no client that has another value than the usual one.
create or replace function log.project(tables text[], streams uuid[], changed jsonb[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if 'clients' = any (tables) then
    delete from read.clients as t using unnest(tables, streams, changed) as c(name, stream, row)
     where c.name = 'clients' and c.row is null and t.stream_id = c.stream;
    insert into read.clients as t (stream_id, client_id, owner, grant_type, bot_user_id, display_name, redirect_uris, scopes, secrets, state, created_at, version, public, login)
      select r.stream_id, r.client_id, r.owner, r.grant_type, r.bot_user_id, r.display_name, r.redirect_uris, r.scopes, r.secrets, r.state, r.created_at, r.version,
             coalesce(r.public, false), coalesce(r.login, case r.grant_type when 'authorization_code' then
               '{"require_pkce": true, "first_party": false, "id_token_alg": "RS256", "post_logout_redirect_uris": [], "backchannel_logout_uri": null}'::pg_catalog.jsonb end)
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.clients, c.row) as r where c.name = 'clients' and c.row is not null
    on conflict (stream_id) do update set owner = excluded.owner, bot_user_id = excluded.bot_user_id, display_name = excluded.display_name,
      redirect_uris = excluded.redirect_uris, scopes = excluded.scopes, secrets = excluded.secrets, state = excluded.state, version = excluded.version, login = excluded.login;
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
  if 'users' = any (tables) then
    insert into read.users as t (stream_id, state, verified, profile, password, password_at, factors, created_at, version)
      select r.stream_id, r.state, r.verified, r.profile, r.password, r.password_at, r.factors, r.created_at, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.users, c.row) as r where c.name = 'users'
    on conflict (stream_id) do update set state = excluded.state, verified = excluded.verified, profile = excluded.profile, password = excluded.password, password_at = excluded.password_at, factors = excluded.factors, version = excluded.version;
  end if;
  if 'sessions' = any (tables) then
    insert into read.sessions as t (stream_id, user_id, token_hash, amr, acr, device, state, started_at, authenticated_at, expires_at, ended_at, notify, version)
      select r.stream_id, r.user_id, r.token_hash, r.amr, r.acr, r.device, r.state, r.started_at, r.authenticated_at, r.expires_at, r.ended_at, r.notify, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.sessions, c.row) as r where c.name = 'sessions'
    on conflict (stream_id) do update set token_hash = excluded.token_hash, amr = excluded.amr, acr = excluded.acr, device = excluded.device, state = excluded.state, authenticated_at = excluded.authenticated_at, ended_at = excluded.ended_at, notify = excluded.notify, version = excluded.version;
  end if;
  if 'consents' = any (tables) then
    insert into read.consents as t (stream_id, user_id, client_id, resource, scopes, state, given_at, withdrawn_at, version)
      select r.stream_id, r.user_id, r.client_id, r.resource, r.scopes, r.state, r.given_at, r.withdrawn_at, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.consents, c.row) as r where c.name = 'consents'
    on conflict (stream_id) do update set scopes = excluded.scopes, state = excluded.state, given_at = excluded.given_at, withdrawn_at = excluded.withdrawn_at, version = excluded.version;
  end if;
  if 'authorizations' = any (tables) then
    insert into read.authorizations as t (stream_id, client, user_id, session_id, scopes, resource, state, granted_at, redeemed_at, used_at, refresh_until, revoked_at, why, version)
      select r.stream_id, r.client, r.user_id, r.session_id, r.scopes, r.resource, r.state, r.granted_at, r.redeemed_at, r.used_at, r.refresh_until, r.revoked_at, r.why, r.version
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(null::read.authorizations, c.row) as r where c.name = 'authorizations'
    on conflict (stream_id) do update set state = excluded.state, granted_at = excluded.granted_at, redeemed_at = excluded.redeemed_at, used_at = excluded.used_at, refresh_until = excluded.refresh_until, revoked_at = excluded.revoked_at, why = excluded.why, version = excluded.version;
  end if;
end $$;

do $$
declare name text;
begin
  foreach name in array array['users', 'sessions', 'consents', 'authorizations'] loop
    execute format('alter table read.%I owner to muniment_service', name);
  end loop;
end $$;
