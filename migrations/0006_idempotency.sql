-- Requests that were sent with an Idempotency-Key, and what came of them: docs/adr/0016.
create table idempotency_key (
  -- Of one attempt: whoever takes a request over from a process that has died gives it another.
  id text primary key,
  -- Null for a platform key's.
  tenant_id text references tenant,
  key text not null,
  -- SHA-256 of method, path and body.
  fingerprint bytea not null,
  -- running: nothing has been changed yet; applied: the change is committed; answered: the answer is kept too.
  state text not null default 'running' check (state in ('running', 'applied', 'answered')),
  -- How long others wait for whoever is at it.
  lease_until timestamptz not null,
  -- What was changed, written by the transaction that changed it: tenantId, action, resourceId.
  applied jsonb,
  status integer,
  location text,
  -- Sealed: an answer may hold a secret.
  answer_sealed text,
  made_at timestamptz not null default now(),
  check ((state = 'answered') = (answer_sealed is not null))
);
create unique index idempotency_key_of_owner on idempotency_key (coalesce(tenant_id, ''), key);
create index idempotency_key_made on idempotency_key (made_at);
call build_wall('idempotency_key');

-- Lists: a page costs the same however many rows there are. Under row-level security an index serves only operators
-- that are leakproof, as equality and order of text are.
create index addon_listed on addon (id) where deleted_at is null and purpose = 'service';
create index addon_listed_of_tenant on addon (tenant_id, id) where deleted_at is null and purpose = 'service';
create index addon_by_status on addon (status, id) where deleted_at is null and purpose = 'service';
create index addon_by_status_of_tenant on addon (tenant_id, status, id) where deleted_at is null and purpose = 'service';
create index tenant_listed on tenant (id) where deleted_at is null;
create index restore_listed on restore (id) where drill_id is null;
create index restore_listed_of_tenant on restore (tenant_id, id) where drill_id is null;
create index restore_by_addon on restore (addon_id, id) where drill_id is null;
create index restore_by_status on restore (status, id) where drill_id is null;
create index restore_by_status_of_tenant on restore (tenant_id, status, id) where drill_id is null;
drop index restore_of_addon;
drop index restore_of_tenant;
create index operation_by_addon on operation (addon_id, id);
create index operation_by_status on operation (status, id);
create index operation_by_status_of_tenant on operation (tenant_id, status, id);
create index backup_by_addon on backup (addon_id, id);
create index backup_by_status on backup (addon_id, status, id);
drop index backup_of_addon;
create index restore_point_by_addon on restore_point (addon_id, id);
create index restore_point_by_status on restore_point (addon_id, status, id);
drop index restore_point_of_addon;
create index drill_by_addon on drill (addon_id, id);
create index drill_by_status on drill (addon_id, status, id);
drop index drill_of_addon;

-- Labels of the add-ons that lists show, one row each: containment of jsonb is not leakproof, so no index on
-- addon.labels would be used.
create table addon_label (
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  key text not null,
  value text not null,
  primary key (addon_id, key)
);
create index addon_label_found on addon_label (key, value, addon_id);
create index addon_label_found_of_tenant on addon_label (tenant_id, key, value, addon_id);
call build_wall('addon_label');

create function note_addon_labels() returns trigger language plpgsql set search_path = undrop, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    delete from addon_label where tenant_id = new.tenant_id and addon_id = new.id;
  end if;
  if new.deleted_at is null and new.purpose = 'service' then
    insert into addon_label (tenant_id, addon_id, key, value)
      select new.tenant_id, new.id, label.key, label.value from jsonb_each_text(new.labels) as label;
  end if;
  return null;
end $$;
create trigger addon_labels_at_insert after insert on addon
  for each row when (new.labels <> '{}') execute function note_addon_labels();
create trigger addon_labels_at_update after update of labels, deleted_at on addon
  for each row when (old.labels <> new.labels or old.deleted_at is distinct from new.deleted_at)
  execute function note_addon_labels();
insert into addon_label (tenant_id, addon_id, key, value)
  select addon.tenant_id, addon.id, label.key, label.value
    from addon cross join jsonb_each_text(addon.labels) as label
   where addon.deleted_at is null and addon.purpose = 'service';

-- The same wall in words whose selectivity PostgreSQL guesses at a half, and not at next to nothing: it reads pages for
-- the platform in order of an index then, instead of sorting what it takes for a few rows.
create or replace procedure build_wall(walled regclass) language plpgsql as $$
begin
  call build_wall(walled, $condition$
    case when current_setting('undrop.tenant', true) = '*' then true
         else tenant_id = current_setting('undrop.tenant', true) end$condition$);
end $$;
do $$
declare
  walled record;
  condition text;
begin
  for walled in
    select format('%I.%I', schemaname, tablename) as name, substring(qual from '^\(\((tenant_id|id) = current_setting') as owner
      from pg_policies where schemaname = 'undrop' and policyname = 'tenant'
  loop
    continue when walled.owner is null;
    condition := format($condition$case when current_setting('undrop.tenant', true) = '*' then true
      else %I = current_setting('undrop.tenant', true) end$condition$, walled.owner);
    execute format('alter policy tenant on %s using (%s) with check (%s)', walled.name, condition, condition);
  end loop;
end $$;
