# MNIST Lab in a container, with the CPU build of PyTorch:
#
#   docker build -t mnist-lab --build-arg TORCH_INDEX="$TORCH_INDEX" .
#   docker run --rm -p 7860:7860 mnist-lab
#
# TORCH_INDEX is the address of the package index that holds PyTorch's builds for CPUs alone; PyTorch's "Get started" page
# names it. Left out, the default index is used, whose builds bring 4 GB for GPUs that this container does not ask for.
FROM python:3.12-slim

ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

WORKDIR /build
COPY requirements.txt constraints.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --no-deps --index-url "$TORCH_INDEX" -c constraints.txt torch torchvision; \
    fi
RUN pip install -c constraints.txt -r requirements.txt
COPY pyproject.toml setup.py README.md LICENSE.txt ./
COPY mnist_demo mnist_demo
COPY checkpoints checkpoints
RUN pip install --no-deps . && rm -rf /build

RUN useradd --create-home --uid 1000 lab
USER lab
WORKDIR /home/lab
# Here, not at the first start: MNIST unpacked and verified.
ENV MNIST_DEMO_CACHE=/home/lab/mnist
RUN python -c "from mnist_demo.images.data import mnist_root; mnist_root()"

ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD python -c "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/healthz')"
CMD ["mnist-lab", "serve"]
