# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
# The caches keep the compiled dependencies from one build to the next, whatever changed above.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin postiljon \
    && cp target/release/postiljon /usr/local/bin/postiljon

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin postiljon \
    && install --directory --owner postiljon --group postiljon --mode 0700 /data
COPY --from=build /usr/local/bin/postiljon /usr/local/bin/postiljon
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/postiljon/
ENV POSTILJON_DATA_FOLDER=/data \
    POSTILJON_WEB_LISTEN=0.0.0.0:8080
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["postiljon"]
CMD ["serve"]
