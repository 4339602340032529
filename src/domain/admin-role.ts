/** Undrop's own superuser on every server, made by initdb. It has no password and connects over the private socket. */
export const ADMIN_ROLE = 'undrop_admin'
