-- Credentials of add-ons: the owner's, and further ones that may read, or read and write.

create table credential (
  id text primary key,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  name text not null,
  access text not null check (access in ('owner', 'read-write', 'read-only')),
  -- What is still to be done on the server: `pending` makes it, `rotating` replaces it, `deleting` drops it.
  status text not null check (status in ('pending', 'active', 'rotating', 'deleting', 'deleted')),
  -- What logs in now. Null for the owner's, whose login is the add-on's own: addon.username, addon.password_sealed.
  username text,
  password_sealed text,
  -- What takes its place; null unless it is being rotated.
  next_username text,
  next_password_sealed text,
  overlap_seconds integer,
  -- The credential of the parent that a restore has made this one for.
  copied_from text references credential,
  -- Work on it that has failed is not begun again before.
  retry_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  rotated_at timestamptz,
  deleted_at timestamptz,
  check (access = 'owner' or username is not null)
);
create unique index credential_name on credential (addon_id, name) where deleted_at is null;
create index credential_of_addon on credential (addon_id, id);
create index credential_listed on credential (addon_id, id) where deleted_at is null;
create unique index credential_of_owner on credential (addon_id) where access = 'owner';
create index credential_to_apply on credential (id) where status in ('pending', 'rotating', 'deleting');
call build_wall('credential');

-- Logins that a rotation has replaced, which PostgreSQL refuses from `valid_until` on.
create table old_login (
  credential_id text not null references credential,
  username text not null,
  tenant_id text not null references tenant,
  addon_id text not null references addon,
  -- Sessions that are older than this were opened by it; by the clock of the add-on's server, as is valid_until.
  replaced_at timestamptz not null,
  valid_until timestamptz not null,
  -- Its sessions have ended, and there is no such role any more.
  dropped_at timestamptz,
  primary key (credential_id, username)
);
create index old_login_of_addon on old_login (tenant_id, addon_id);
create index old_login_to_drop on old_login (valid_until) where dropped_at is null;
call build_wall('old_login');

-- The suffix of an id is as good for a thing of another kind.
insert into credential (id, tenant_id, addon_id, name, access, status, created_at, updated_at)
select 'cred_' || substr(id, length('addon_') + 1), tenant_id, id, 'owner', 'owner', 'active', created_at, created_at
  from addon where purpose = 'service' and deleted_at is null;
