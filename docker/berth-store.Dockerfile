# Debian's Redis with the libraries it names, for tests on machines that reach no registry.
FROM scratch
LABEL org.opencontainers.image.title="Berth test store"
LABEL org.opencontainers.image.licenses="BSD-3-Clause"
LABEL org.opencontainers.image.description="redis-server of Debian, for tests of Berth only"
COPY root/ /
USER 65532:65532
ENTRYPOINT ["/usr/bin/redis-server"]
