-- The upsert of the inline projections once more, generated as before. Most appends are of streams that have no row yet: then rows are
-- inserted only, which takes a fifth less. Appends come one after the other (the lock of the log), so no row comes between the look and the insert.
create or replace procedure log.generate_project() language plpgsql set search_path = pg_catalog, pg_temp as $generator$
declare
  body text := '';
  one record;
begin
  for one in
    select t.relname as name,
           string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
           string_agg(format('r.%I', a.attname), ', ' order by a.attnum) as made,
           string_agg(coalesce(pg_get_expr(d.adbin, d.adrelid), format('null::%s', format_type(a.atttypid, a.atttypmod))), ', ' order by a.attnum) as defaults,
           string_agg(format('%1$I = excluded.%1$I', a.attname), ', ' order by a.attnum) filter (where a.attname <> 'stream_id') as replaced
      from pg_class t
      join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
     where t.relnamespace = 'read'::regnamespace and t.relkind = 'r' and t.relname !~ '_(rebuilt|replaced)$'
       and exists (select from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = i.indkey[0]
                    where i.indrelid = t.oid and i.indisprimary and i.indnkeyatts = 1 and k.attname = 'stream_id')
     group by t.oid, t.relname order by t.relname
  loop
    -- A row without a column was written by a process of the version before, which does not know it: it keeps its value, or gets the default.
    body := body || format($table$
  if %1$L = any (tables) and exists (select from read.%1$I k where k.stream_id = any (streams)) then
    delete from read.%1$I as t using unnest(tables, streams, changed) as c(name, stream, row)
     where c.name = %1$L and c.row is null and t.stream_id = c.stream;
    insert into read.%1$I as t (%2$s)
      select %3$s
        from unnest(tables, streams, changed) as c(name, stream, row),
             jsonb_populate_record(coalesce((select k from read.%1$I k where k.stream_id = c.stream), row(%4$s)::read.%1$I), c.row) as r
       where c.name = %1$L and c.row is not null
    on conflict (stream_id) do update set %5$s;
  elsif %1$L = any (tables) then
    insert into read.%1$I (%2$s)
      select %3$s
        from unnest(tables, changed) as c(name, row), jsonb_populate_record(row(%4$s)::read.%1$I, c.row) as r
       where c.name = %1$L and c.row is not null;
  end if;$table$, one.name, one.columns, one.made, one.defaults, one.replaced);
  end loop;
  execute format($function$
create or replace function log.project(tables text[], streams uuid[], changed jsonb[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $body$
begin%s
end $body$$function$, body);
end $generator$;
call log.generate_project();
