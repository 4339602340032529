-- Undrop's metadata. Every row that belongs to a tenant carries tenant_id.
-- Moments are timestamptz: microseconds, read as RFC 3339 text by src/db/client.ts.

-- By which key the secrets below are sealed: a digest that tells nothing of it.
create table master_key (
  only_one boolean primary key default true check (only_one),
  key_id text not null
);

create table tenant (
  id text primary key,
  name text not null,
  max_concurrent_operations integer not null default 4 check (max_concurrent_operations > 0),
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);

-- tenant_id is null for a platform key, which acts for every tenant.
create table api_key (
  id text primary key,
  tenant_id text references tenant,
  name text not null,
  secret_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_key_of_tenant on api_key (tenant_id, id);

create table addon (
  id text primary key,
  tenant_id text not null references tenant,
  name text not null,
  status text not null check (status in ('provisioning', 'available', 'restoring', 'failed', 'deleting', 'deleted')),
  protection text not null default 'pending' check (protection in ('pending', 'protected', 'stalled')),
  postgres_version integer not null,
  database_name text not null,
  username text not null,
  -- Sealed: see src/secrets/key-ring.ts.
  password_sealed text not null,
  labels jsonb not null default '{}',
  backup_policy jsonb not null default '{}',
  deletion_protection boolean not null default false,
  -- The server that serves the add-on now; the add-on keeps its identity when the server changes.
  server_id text not null,
  restored_from jsonb,
  failure jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index addon_name_of_tenant on addon (tenant_id, name) where deleted_at is null;
create index addon_of_tenant on addon (tenant_id, id);

create table server (
  id text primary key,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  -- Reserved for this server while it is not null.
  port integer,
  -- What the steady-state reconciler keeps true while no operation is open on the server.
  desired_state text not null default 'absent' check (desired_state in ('absent', 'running')),
  -- PostgreSQL settings that differ from Undrop's defaults, such as a parent's max_connections.
  settings jsonb not null default '{}',
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index server_port on server (port) where port is not null;
create index server_of_addon on server (addon_id);
create index server_to_keep_running on server (id) where desired_state = 'running';
alter table addon add constraint addon_server foreign key (server_id) references server deferrable initially deferred;

-- Where one server's WAL and base backups go; named after the server, which it outlives.
create table archive (
  server_id text primary key references server,
  tenant_id text not null references tenant,
  cipher_pass_sealed text not null,
  -- From when on WAL is shipped to it; before that, nothing in it is worth keeping.
  archiving_since timestamptz,
  -- What the archive was last seen to hold; earliest and gaps come from backups and segments.
  last_archived_segment text,
  last_commit_at timestamptz,
  archived_at timestamptz,
  observed_at timestamptz,
  gaps jsonb not null default '[]',
  created_at timestamptz not null default now(),
  removed_at timestamptz
);

create table backup (
  id text primary key,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  server_id text not null references server,
  type text not null check (type in ('full', 'differential', 'incremental')),
  status text not null check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  -- pgBackRest's name for the backup, once it is complete.
  label text,
  timeline integer,
  start_lsn text,
  stop_lsn text,
  size_bytes bigint,
  repository_size_bytes bigint,
  backup_started_at timestamptz,
  backup_stopped_at timestamptz,
  failure jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index backup_label on backup (server_id, label) where label is not null;
create index backup_of_addon on backup (tenant_id, addon_id, id);

create table restore (
  id text primary key,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  -- The server whose archive is read: the one the source add-on had when the restore was asked for.
  source_server_id text not null references server,
  child_addon_id text not null references addon,
  child_server_id text not null references server,
  target jsonb not null,
  exclusive boolean not null default false,
  status text not null check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  phase text check (phase in ('anchoring', 'fetching', 'replaying', 'securing', 'done')),
  progress jsonb not null default '{}',
  reached jsonb,
  secured_roles jsonb,
  phase_seconds jsonb not null default '{}',
  failure jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);
create index restore_of_addon on restore (tenant_id, addon_id, id);
create index restore_of_tenant on restore (tenant_id, id);
create index restore_reading_archive on restore (source_server_id) where finished_at is null;

create table operation (
  id text primary key,
  tenant_id text not null references tenant,
  kind text not null,
  -- The server the work is done on; one open operation per server.
  server_id text not null references server,
  addon_id text not null references addon,
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  step text not null,
  version integer not null default 1,
  attempt integer not null default 0,
  memo jsonb not null,
  run_at timestamptz not null default now(),
  -- A lease with a fencing token: who holds it may run the step, who lost it may not commit.
  lease_token uuid,
  lease_until timestamptz,
  deadline_at timestamptz,
  cancel_requested boolean not null default false,
  failure jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);
create unique index one_open_operation_per_server on operation (server_id) where finished_at is null;
create index operation_due on operation (run_at) where finished_at is null and started_at is not null;
create index operation_queued on operation (tenant_id, id) where started_at is null and finished_at is null;
create index operation_running on operation (tenant_id) where started_at is not null and finished_at is null;
create index operation_of_tenant on operation (tenant_id, id);

-- One row per visit of a step, not per poll.
create table operation_step (
  operation_id text not null references operation on delete cascade,
  ordinal integer not null,
  step text not null,
  entered_at timestamptz not null default now(),
  left_at timestamptz,
  attempts integer not null default 1,
  error text,
  primary key (operation_id, ordinal)
);

create table outbox_event (
  id bigint generated always as identity primary key,
  tenant_id text not null references tenant,
  type text not null,
  payload jsonb not null,
  created_at timestamptz not null default now()
);
create index outbox_event_of_tenant on outbox_event (tenant_id, id);

create table audit_entry (
  id bigint generated always as identity primary key,
  tenant_id text,
  api_key_id text,
  action text not null,
  resource_id text not null,
  request_id text,
  source_address text,
  detail jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index audit_entry_of_tenant on audit_entry (tenant_id, id);
