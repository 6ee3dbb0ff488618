# A small image of `autotag`: one static program, certificates, and nothing else. It runs as a user without rights.
#
#   docker build --tag autotag .
#   docker run --rm --volume "$PWD:/work:ro" autotag plan trail

FROM rust:1.95.0-slim-bookworm AS build
# Debian removes earlier versions of its packages, so a pinned one would soon not be found.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git musl-tools \
 && rm -rf /var/lib/apt/lists/* \
 && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /build/autotag
COPY . .
RUN cargo xtask dist --only autotag \
 && mkdir /program /empty \
 && tar -xzf dist/autotag-*.tar.gz -C /program --strip-components=1

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /program/LICENSE /program/THIRD-PARTY.txt /program/RUST-LIBRARY.html /usr/share/doc/autotag/
COPY --from=build /program/autotag /usr/bin/autotag
# Large plans use temporary files. The AWS SDK reads its settings below HOME.
COPY --from=build --chmod=1777 /empty /tmp
COPY --from=build --chown=65532:65532 /empty /home/autotag
ENV HOME=/home/autotag
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/usr/bin/autotag"]
