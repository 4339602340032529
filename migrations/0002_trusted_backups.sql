-- Backups to trust: storage keys, schedules, retention, gaps, restore points, drills, and archives that outlive add-ons.

alter table tenant
  -- What this tenant's add-ons have where they say nothing else: a partial src/domain/backup-policy.ts.
  add column backup_policy jsonb not null default '{}',
  -- Sealed JSON: the keys of the object store that this tenant's servers use in place of Undrop's own.
  add column storage_key_sealed text;

alter table addon
  -- A drill's add-on is made to be thrown away: no list shows it.
  add column purpose text not null default 'service' check (purpose in ('service', 'drill')),
  -- Why protection is stalled, and since when; null otherwise.
  add column stalled jsonb;

alter table archive
  -- When it was begun to be made: from then on there may be something in the store to remove.
  add column made_at timestamptz,
  -- When the next base backup is due, and of which type; null until it has been planned.
  add column next_backup_at timestamptz,
  add column next_backup_type text check (next_backup_type in ('full', 'differential')),
  add column next_drill_at timestamptz,
  -- Set when something that the schedule follows from has changed.
  add column schedule_stale boolean not null default true,
  -- The same for drills.
  add column drill_stale boolean not null default true,
  -- Its add-on is deleted: from then on the archive is purged.
  add column keep_until timestamptz,
  -- When its files were last listed, and what they came to.
  add column surveyed_at timestamptz,
  -- When that was last begun, however it ended.
  add column survey_tried_at timestamptz,
  add column stored_bytes bigint,
  add column stored_files bigint,
  -- The age of the oldest WAL that waited to be archived when it was last looked; 0 when none waited.
  add column lag_seconds double precision,
  -- Everything that stalls its add-on at present, by code; addon.stalled is the worst of it.
  add column stalls jsonb not null default '{}';
-- Archives that are older may have been made, whatever came of it.
update archive set made_at = created_at;
create index archive_backup_due on archive (next_backup_at) where next_backup_at is not null;
create index archive_drill_due on archive (next_drill_at) where next_drill_at is not null;
create index archive_to_plan on archive (server_id) where schedule_stale and archiving_since is not null and keep_until is null;
create index archive_drill_to_plan on archive (server_id) where drill_stale and archiving_since is not null and keep_until is null;
create index archive_to_purge on archive (keep_until) where keep_until is not null and removed_at is null;
create index archive_to_survey on archive (survey_tried_at nulls first) where archiving_since is not null and removed_at is null;

alter table backup
  add column scheduled boolean not null default false,
  -- Labels of the backups that it cannot be restored without.
  add column reference_labels jsonb not null default '[]',
  -- Found to be damaged: never restored from again.
  add column damaged_at timestamptz,
  -- No longer wanted by the retention policy: nothing may begin to restore from it.
  add column expired_at timestamptz;
create index backup_of_server on backup (server_id, status);
create index backup_running on backup (id) where status = 'running';

-- Light work on a server may go on beside other work.
alter table operation add column exclusive boolean not null default true;
drop index one_open_operation_per_server;
create unique index one_open_operation_per_server on operation (server_id) where finished_at is null and exclusive;
create index operation_open_of_server on operation (server_id) where finished_at is null;

-- What the sweeper looks for; what there is of it does not grow with the number of add-ons.
create index operation_backup_open on operation (id) where finished_at is null and kind = 'backup.take';
create index addon_to_delete on addon (id) where status = 'deleting';
create index addon_to_protect on addon (id) where status = 'available' and protection = 'pending';

-- A named place in a server's WAL (pg_create_restore_point), archived.
create table restore_point (
  id text primary key,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  server_id text not null references server,
  name text not null,
  -- What WAL calls it: of its own for every making, as recovery stops at the first point of a name.
  wal_name text,
  status text not null check (status in ('queued', 'archived', 'failed')),
  lsn text,
  timeline integer,
  -- The server's clock when it was made.
  made_at timestamptz,
  failure jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index restore_point_name on restore_point (server_id, name);
create index restore_point_of_addon on restore_point (tenant_id, addon_id, id);

-- Evidence that an add-on can be restored.
create table drill (
  id text primary key,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  source_server_id text not null references server,
  child_addon_id text not null references addon,
  child_server_id text not null references server,
  status text not null check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  scheduled boolean not null default false,
  backup_id text references backup,
  -- From the beginning of the restore until a client could have logged in.
  rto_seconds double precision,
  -- What the source had committed beyond the last commit in the archive.
  rpo_seconds double precision,
  checks jsonb not null default '[]',
  reached jsonb,
  failure jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);
create index drill_of_addon on drill (tenant_id, addon_id, id);
create index drill_open on drill (addon_id) where finished_at is null;
create index drill_finished on drill (addon_id, finished_at) where finished_at is not null;

alter table restore
  add column drill_id text references drill,
  -- What it is, or was last, restored from.
  add column backup_id text references backup;

-- What this host has been measured to do: moving averages.
create table measured_rate (
  name text primary key,
  value double precision not null,
  samples integer not null default 1,
  updated_at timestamptz not null default now()
);

-- What every tenant has where it says nothing else, as the workers were last started with it.
create table platform_policy (
  only_one boolean primary key default true check (only_one),
  backup_policy jsonb not null
);

-- What a worker has last seen that belongs to no tenant.
create table observation (
  name text primary key,
  value double precision not null,
  observed_at timestamptz not null default now()
);
