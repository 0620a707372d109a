"""`python -m mnist_demo` is the command line: its exit status and its words reach the shell."""

import subprocess
import sys


def test_the_module_runs_the_command_line() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "mnist_demo", "train", "--epochs", "0"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert asked.stdout == ""
    assert asked.stderr.startswith("Epochs (epochs) cannot be 0: give a whole number from 1 to 200")
