-- The second wall between tenants. A session of the API sees the rows of the tenant that `undrop.tenant` names, or of all
-- for '*', which stands for the platform; without it none. src/db/client.ts sets it, docs/adr/0014 tells why.

-- Workers look after everybody; the API stays on its side.
create procedure build_wall(walled regclass, condition text) language plpgsql as $$
begin
  execute format('alter table %s enable row level security', walled);
  execute format('create policy worker on %s to undrop_worker using (true) with check (true)', walled);
  execute format('create policy tenant on %s to undrop_api using (%s) with check (%s)', walled, condition, condition);
end $$;

-- A table whose rows belong to the tenant in `tenant_id`. One that is null belongs to the platform.
create procedure build_wall(walled regclass) language plpgsql as $$
begin
  call build_wall(walled, $condition$
    tenant_id = current_setting('undrop.tenant', true) or current_setting('undrop.tenant', true) = '*'$condition$);
end $$;
revoke execute on procedure build_wall(regclass), build_wall(regclass, text) from public;

call build_wall('tenant', $$id = current_setting('undrop.tenant', true) or current_setting('undrop.tenant', true) = '*'$$);
call build_wall('api_key');
call build_wall('addon');
call build_wall('server');
call build_wall('archive');
call build_wall('backup');
call build_wall('restore');
call build_wall('restore_point');
call build_wall('drill');
call build_wall('operation');
call build_wall('outbox_event');
call build_wall('audit_entry');
-- Which operations there are says the wall of `operation`.
call build_wall('operation_step', 'exists (select from operation where operation.id = operation_id)');

-- Scopes of a tenant's key; those made before there were scopes could do all that a key can but administer.
alter table api_key add column scopes text[] not null default
  '{addons:read,addons:write,credentials:read,backups:write,restores:write,webhooks:write,audit:read}';
alter table api_key alter column scopes drop default;
-- The key that took its place.
alter table api_key add column replaced_by text references api_key;

-- Whose key that is has to be known before the wall can be set; nothing else of another tenant's can be learnt from it.
create function api_key_of(hash bytea) returns setof api_key
  language sql stable security definer set search_path = undrop, pg_temp
  begin atomic select * from api_key where secret_hash = hash; end;
create procedure touch_api_key(key_id text, at timestamptz, unless_since timestamptz)
  language sql security definer set search_path = undrop, pg_temp
  begin atomic
    update api_key set last_used_at = at where id = key_id and (last_used_at is null or last_used_at < unless_since);
  end;
revoke execute on function api_key_of from public;
revoke execute on procedure touch_api_key from public;

-- What a change has changed; neither ever holds a secret.
alter table audit_entry add column before jsonb, add column after jsonb;

-- Events of one resource are told in order.
alter table outbox_event add column resource_id text;
update outbox_event set resource_id = coalesce(payload ->> 'restoreId', payload ->> 'backupId', payload ->> 'drillId',
  payload ->> 'restorePointId', payload ->> 'addonId', tenant_id);
alter table outbox_event alter column resource_id set not null;
