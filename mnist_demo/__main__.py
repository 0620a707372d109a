"""`python -m mnist_demo`."""

import sys

from mnist_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
