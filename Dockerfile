# syntax=docker/dockerfile:1
# Two images from one file: `api` serves without torch, `train` loads and trains. See docs/operating.md.
# Node.js builds the page and stays behind.

FROM python:3.11-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 ATTUNE_HOME=/var/lib/attune
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /var/lib/attune --create-home attune

FROM base AS serve-deps
COPY requirements-serve.lock ./
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r requirements-serve.lock

FROM base AS train-deps
COPY requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r requirements.lock

FROM node:24-slim AS page
WORKDIR /app
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN npm ci --prefix web
COPY web/ web/
COPY api/schema.graphql api/
RUN npm run build --prefix web

FROM base AS api
COPY --from=serve-deps /venv /venv
COPY graph/ graph/
COPY gnn/ gnn/
COPY api/ api/
COPY --from=page /app/api/web/page/ api/web/page/
COPY attune/ attune/
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app
USER attune
EXPOSE 8000
ENTRYPOINT ["python", "-m", "attune"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS train
COPY --from=train-deps /venv /venv
COPY graph/ graph/
COPY loaders/ loaders/
COPY gnn/ gnn/
COPY api/ api/
COPY --from=page /app/api/web/page/ api/web/page/
COPY attune/ attune/
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app
USER attune
ENTRYPOINT ["python", "-m", "attune"]
CMD ["train"]
