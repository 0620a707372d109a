"""What pyproject.toml cannot say: the networks that ship lie at the top of the repository, and inside the package once
it is installed."""

from setuptools import find_namespace_packages, setup

packages = find_namespace_packages(include=["mnist_demo", "mnist_demo.*"], exclude=["*__pycache__*"])
setup(packages=[*packages, "mnist_demo.checkpoints"], package_dir={"mnist_demo.checkpoints": "checkpoints"})
