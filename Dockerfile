# The app in a container: docs/container.md. Nothing in it can be written to but /tmp.
# any image with Python 3.11 or newer as `python`, with its module venv
ARG BASE=docker.io/library/python:3.13-slim
FROM ${BASE} AS build
WORKDIR /src
COPY . .
# What is installed is what requirements.lock says, byte for byte; the wheel itself needs nothing else. The secret is for
# networks whose proxy has a certificate of its own: it is read here and not kept.
RUN --mount=type=secret,id=certificates \
    if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi \
 && python -m venv /opt/app \
 && /opt/app/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /opt/app/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /wheel . \
 && /opt/app/bin/pip install --no-cache-dir --no-deps /wheel/*.whl \
 && NUMBA_CACHE_DIR=/opt/kernels /opt/app/bin/convex-core warm-up

FROM ${BASE}
COPY --from=build /opt/app /opt/app
COPY --from=build /opt/kernels /opt/kernels
ENV PATH=/opt/app/bin:$PATH NUMBA_CACHE_DIR=/opt/kernels PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
# a number, so that a cluster sees that it is not root
USER 65534:65534
WORKDIR /tmp
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
  "import os, urllib.request as u; p = os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/'); u.urlopen('http://127.0.0.1:8501/' + (p + '/' if p else '') + '_stcore/health', timeout=4)"]
CMD ["convex-core", "app", "--no-browser", "--port", "8501"]
