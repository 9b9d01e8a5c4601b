-- The views that people query. The service owns them, because it moves them to the new table whenever it rebuilds one.
do $$
begin
  if not exists (select from pg_roles where rolname = 'muniment_reader') then
    begin
      create role muniment_reader nologin;
    exception
      when insufficient_privilege then
        raise exception 'the role muniment_reader does not exist and % may not create it: run deploy/roles.sql again as a superuser first', current_user;
      when duplicate_object or unique_violation then null;           -- another migration on this server made it just now
    end;
  end if;
end $$;
create schema muniment authorization muniment_service;
grant usage on schema muniment to muniment_reader;

create table read.published_views (
  name   text not null primary key,
  digest text not null                                               -- of the statements that made it
);
alter table read.published_views owner to muniment_service;
