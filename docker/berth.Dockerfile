# One static binary and nothing that could be called beside it.
FROM scratch
LABEL org.opencontainers.image.title="Berth"
LABEL org.opencontainers.image.licenses="Apache-2.0"
LABEL org.opencontainers.image.description="Open identity core for bare IoT devices on a 5G network"
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY berth.cdx.json /usr/share/sbom/berth.cdx.json
COPY berth /berth
USER 65532:65532
ENTRYPOINT ["/berth"]
