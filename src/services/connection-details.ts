interface Login {
  host: string
  port: number
  database: string
  username: string
  password: string
  /** Who vouches for the server, in PEM. */
  caCertificate: string
}

/** How to connect to an add-on, as clients see it. */
export function connectionDetails(login: Login): Login & { url: string } {
  const { host, port, database, username, password, caCertificate } = login
  const url = `postgresql://${username}:${password}@${inUrl(host)}:${port}/${database}?sslmode=verify-full`
  return { host, port, database, username, password, url, caCertificate }
}

/** RFC 3986, 3.2.2. */
const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)
