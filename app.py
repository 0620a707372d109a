"""MNIST Lab's entry point: `python app.py` here, and what Hugging Face Spaces runs."""


def main() -> None:
    """Serves the app until it is stopped."""
    from mnist_demo.ui.serve import serve  # here, because every training worker imports this file

    serve()


if __name__ == "__main__":
    main()
