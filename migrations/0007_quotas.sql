-- What tenants may take: a partial src/domain/quotas.ts, whose rest is the platform's.
alter table tenant add column quotas jsonb not null default '{}';

-- What is counted against it.
create index archive_of_tenant on archive (tenant_id) where removed_at is null;
create index restore_lately on restore (tenant_id, created_at) where drill_id is null;
