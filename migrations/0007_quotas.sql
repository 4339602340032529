-- What tenants may take: a partial src/domain/quotas.ts, whose rest is the platform's.
alter table tenant add column quotas jsonb not null default '{}';

-- What is counted against it.
create index archive_of_tenant on archive (tenant_id) where removed_at is null;
create index restore_lately on restore (tenant_id, created_at) where drill_id is null;

-- As api_key_of, for all who ask at one time. PL/pgSQL keeps the plan, which costs more to make than to run.
create function api_keys_of(hashes bytea[]) returns setof api_key
  language plpgsql stable security definer set search_path = undrop, pg_temp
  as $$ begin return query select * from api_key where secret_hash = any (hashes); end $$;
revoke execute on function api_keys_of from public;
