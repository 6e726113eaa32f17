# A laboratory and its devices. Never part of an operator's network.
ARG BERTH=localhost/berth
FROM ${BERTH}
LABEL org.opencontainers.image.title="Berth devices"
LABEL org.opencontainers.image.licenses="Apache-2.0"
LABEL org.opencontainers.image.description="Laboratory of Berth: manufacturer, access gateway and devices"
COPY ue.cdx.json /usr/share/sbom/ue.cdx.json
COPY ue /ue
ENTRYPOINT ["/berth", "lab"]
