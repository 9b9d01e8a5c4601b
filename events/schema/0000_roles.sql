-- The one role that every process of the service works as, whoever it logs in as. Roles belong to the whole server, so it may exist already.
do $$
begin
  if not exists (select from pg_roles where rolname = 'muniment_service') then
    begin
      create role muniment_service nologin;
    exception
      when insufficient_privilege then
        raise exception 'the role muniment_service does not exist and % may not create it: run deploy/roles.sql as a superuser first', current_user;
      when duplicate_object or unique_violation then null;           -- another migration on this server made it just now
    end;
  end if;
  if not pg_has_role(current_user, 'muniment_service', 'usage') then
    execute format('grant muniment_service to %I', current_user);
  end if;
end $$;
