# The end-to-end scenarios, for a cluster in which they run as a pod.
FROM scratch
LABEL org.opencontainers.image.title="Berth end-to-end tests"
LABEL org.opencontainers.image.licenses="Apache-2.0"
LABEL org.opencontainers.image.description="Scenarios of Berth on a cluster, for tests only"
COPY berth-e2e /berth-e2e
USER 65532:65532
ENTRYPOINT ["/berth-e2e"]
