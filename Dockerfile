# The production images: `web` (also for migrations and the timer) and `worker` (CUDA).
# docs/operate/deployment.md explains them; docker-compose.yml runs them.

ARG CUDA_VERSION=13.0.2

# --- JavaScript and style sheets, built once ---
FROM node:24-slim AS frontend
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY static static
RUN npm run --silent build

# --- The web image: torch without CUDA, gigabytes smaller ---
FROM python:3.12-slim AS web
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data STATIC_ROOT=/app/staticfiles
WORKDIR /app
COPY requirements.txt requirements-otel.txt constraints.txt ./
# torch==2.13.0 is satisfied by 2.13.0+cpu, which pip prefers as the newer one.
RUN pip install --no-cache-dir --requirement requirements.txt --requirement requirements-otel.txt \
    --extra-index-url https://download.pytorch.org/whl/cpu
# gsplat's build tool has a module called `ninja`, too: Django Ninja's must be the last.
RUN pip install --no-cache-dir --force-reinstall --no-deps "$(grep -o '^django-ninja==[0-9.]*' requirements.txt)"
RUN groupadd --gid 10001 recon && useradd --uid 10001 --gid recon --create-home recon \
    && install --directory --owner recon --group recon --mode 0700 /data
COPY . .
COPY --from=frontend /app/static/dist static/dist
RUN python scripts/translations.py compile
# The key is for this command only; the site's own is made in /data at the first start.
RUN DATA_DIR=/tmp/build SECRET_KEY=only-for-collecting-static-files-00 \
    python manage.py collectstatic --no-input --verbosity 0 -i '*.js.map' -i 'redoc.*' && rm -r /tmp/build
USER recon
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "instarecon_site.wsgi", "--bind", "0.0.0.0:8000", "--workers", "4", \
    "--worker-class", "instarecon_site.server.worker.BufferingWorker", "--threads", "8", \
    "--timeout", "120", "--no-control-socket"]

# --- Packages for the GPU, with gsplat's kernels compiled ahead ---
FROM nvidia/cuda:${CUDA_VERSION}-devel-ubuntu24.04 AS cuda-packages
# The compute capabilities to compile for; fewer build faster. 9.0 is an H100, 8.9 an RTX 40.
ARG TORCH_CUDA_ARCH_LIST="7.5;8.0;8.6;8.9;9.0;10.0;12.0+PTX"
ARG MAX_JOBS=4
RUN apt-get update && apt-get install --yes --no-install-recommends \
    g++ ninja-build python3-dev python3-venv && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt requirements-otel.txt constraints.txt ./
RUN pip install --no-cache-dir setuptools wheel && grep -v '^gsplat==' requirements.txt > others.txt \
    && pip install --no-cache-dir --requirement others.txt --requirement requirements-otel.txt
# PyPI's wheel would compile at its first use, on the GPU's time; the source distribution does now.
RUN TORCH_CUDA_ARCH_LIST="$TORCH_CUDA_ARCH_LIST" MAX_JOBS=$MAX_JOBS \
    pip install --no-cache-dir --no-build-isolation --no-binary gsplat \
    "$(grep -o '^gsplat==[0-9.]*' requirements.txt)" \
    && pip install --no-cache-dir --force-reinstall --no-deps \
    "$(grep -o '^django-ninja==[0-9.]*' requirements.txt)"

# --- The GPU worker; Triton compiles its launchers with a C compiler at their first use ---
FROM nvidia/cuda:${CUDA_VERSION}-base-ubuntu24.04 AS worker
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data PATH=/opt/venv/bin:$PATH \
    NUMBA_CACHE_DIR=/data/cache/numba TRITON_CACHE_DIR=/data/cache/triton TORCH_HOME=/data/cache/torch
RUN apt-get update && apt-get install --yes --no-install-recommends \
    gcc libc6-dev python3 python3-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=cuda-packages /opt/venv /opt/venv
RUN groupadd --gid 10001 recon && useradd --uid 10001 --gid recon --create-home recon \
    && install --directory --owner recon --group recon --mode 0700 /data
COPY . .
RUN python scripts/translations.py compile
USER recon
VOLUME /data
CMD ["python", "scripts/worker.py", "0"]
