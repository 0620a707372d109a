"""MNIST Lab's entry point: `python app.py` here, and what Hugging Face Spaces runs."""

import sys


def main() -> int:
    """Serves the app until it is stopped; its exit status."""
    from mnist_demo.ui.web import start  # here, because every training worker imports this file

    return start.main()


if __name__ == "__main__":
    sys.exit(main())
