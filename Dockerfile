# The image is one static binary and the certificates of the public authorities.
#
# `make image` builds the binary and lays both files into target/image; then: docker build --file Dockerfile target/image
FROM scratch

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="omotes-operator" \
      org.opencontainers.image.description="Kubernetes operator for long, expensive jobs whose clients wait for results on RabbitMQ" \
      org.opencontainers.image.source="https://github.com/omotes/omotes-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY omotes-operator /omotes-operator

# A number, so that the kubelet can check runAsNonRoot; the chart sets the same one.
USER 65532:65532
ENTRYPOINT ["/omotes-operator"]
