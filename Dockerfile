# The daemon and its command line. Built from a checkout:
#
#   docker build -t nodepool .       # podman and buildah: with --format docker, or HEALTHCHECK is lost
#   docker run --network host --stop-timeout 45 -v /etc/nodepool:/etc/nodepool:ro -v nodepool:/var/lib/nodepool nodepool
#   docker exec CONTAINER nodepool list
#
# --network host, because the control API listens on loopback alone, and machines are logged in to from here. What the
# configuration names (keys, scripts) is to be readable for uid 1000 in the container.
FROM node:20-bookworm-slim AS build
WORKDIR /src
# What is installed changes less often than what is built.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
# Builds, and packs with the exact versions of everything. npm heeds those where the package is the root of what it
# installs, so it is unpacked, and not installed as a tarball; it is built already.
RUN npm pack --pack-destination /tmp \
 && tar -xzf /tmp/nodepool-*.tgz -C /tmp --no-same-owner \
 && cd /tmp/package \
 && npm pkg delete scripts.prepare

FROM node:20-bookworm-slim
# For clouds behind TLS. Whoever builds disk images adds what the commands of the configuration need.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /tmp/package /opt/nodepool
RUN cd /opt/nodepool \
 && npm ci --omit=dev --no-audit --no-fund \
 && rm -rf /root/.npm \
 && ln -s /opt/nodepool/bin/nodepool /opt/nodepool/bin/nodepoold /usr/local/bin/
RUN install -d -o node -g node -m 0750 /var/lib/nodepool \
 && install -d -o node -g node -m 0755 /run/nodepool \
 && install -d -m 0755 /etc/nodepool
ENV STATE_DIRECTORY=/var/lib/nodepool
VOLUME /var/lib/nodepool
USER node
STOPSIGNAL SIGTERM
# Healthy is a daemon that answers and has its database.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["nodepool", "wait", "--timeout", "10s"]
ENTRYPOINT ["nodepoold", "-d"]
CMD ["-c", "/etc/nodepool/nodepool.yaml"]
