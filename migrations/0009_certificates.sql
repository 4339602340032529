-- Authorities that clients of add-on servers trust. One of them signs; others are trusted while they are replaced
-- (docs/operations/tls.md). Their keys are for workers alone.
create table certificate_authority (
  id text primary key,
  -- PEM.
  certificate text not null,
  -- PKCS #8, sealed: see src/secrets/key-ring.ts.
  key_sealed text not null,
  signs boolean not null,
  created_at timestamptz not null default now()
);
create unique index one_certificate_authority_signs on certificate_authority (signs) where signs;
call build_wall('certificate_authority', 'false');

-- What everybody may know of them, the one that signs first.
create function ca_certificates() returns setof text
  language sql stable security definer set search_path = undrop, pg_temp
  begin atomic select certificate from certificate_authority order by signs desc, created_at, id; end;
revoke execute on function ca_certificates from public;
grant execute on function ca_certificates to undrop_api, undrop_worker;
