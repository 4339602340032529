# The API, the worker and the migrations as one image: `docker run undrop api|worker|migrate|start`.
# docs/operations/containers.md says how it is used, and what of it is proven how.
# Debian 12 has the PostgreSQL and pgBackRest that the tests run with.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS modules
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates npm
WORKDIR /opt/undrop
COPY package.json package-lock.json .npmrc ./
# Settings of a registry of one's own come as a secret: `docker build --secret id=npmrc,src=…`.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --ignore-scripts --loglevel=error && \
    find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
# Node as the lock file has it for development; Debian's is older.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    version=$(node -p 'require("./package-lock.json").packages["node_modules/node"].version') && \
    arch=$(dpkg --print-architecture | sed 's/^amd64$/x64/') && \
    npm install --prefix /opt/node --no-save --loglevel=error "node-linux-$arch@$version" && \
    install -D "/opt/node/node_modules/node-linux-$arch/bin/node" /opt/bin/node

FROM ${BASE}
# pg_createcluster(1): no cluster of Debian's. tini reaps the servers that outlive whoever started them.
RUN mkdir -p /etc/postgresql-common/createcluster.d && \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/undrop.conf && \
    apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libstdc++6 openssl pgbackrest postgresql tini && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* /usr/share/doc/* /usr/share/man/* && \
    useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin undrop && \
    install -d -o undrop -g undrop -m 711 /var/lib/undrop && install -d -o undrop -g undrop /run/secrets/undrop
COPY --from=modules /opt/bin/node /usr/local/bin/node
WORKDIR /opt/undrop
COPY --from=modules /opt/undrop/node_modules node_modules
COPY package.json ./
COPY docker docker
COPY migrations migrations
COPY src src

ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    UNDROP_DATA_DIR=/var/lib/undrop \
    UNDROP_LISTEN_ADDRESSES=* \
    UNDROP_WORKER_METRICS_PORT=9464
USER undrop
VOLUME /var/lib/undrop
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["docker/healthy.sh"]
ENTRYPOINT ["tini", "--", "docker/entrypoint.sh"]
CMD ["start"]
