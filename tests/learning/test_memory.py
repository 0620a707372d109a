"""Memory of this process: freed blocks go back to the system, and the peak is that since it was forgotten."""

import platform
import subprocess
import sys

import psutil
import pytest

from mnist_demo.learning import memory

BLOCKS = """
import ctypes, psutil
from mnist_demo.learning import memory
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc(50_000) for _ in range(2_000)]
for block in blocks:
    ctypes.memset(block, 1, 50_000)
for block in blocks[:-1]:  # the last one keeps the others' place from being given back by itself
    libc.free(ctypes.c_void_p(block))
before = psutil.Process().memory_info().rss
memory.give_back()
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed, and can give it back")
def test_what_was_freed_between_blocks_in_use_is_given_back() -> None:
    ran = subprocess.run([sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=True)
    assert int(ran.stdout) > 50_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can forget a peak")
def test_the_peak_is_that_since_it_was_forgotten() -> None:
    large = b"1" * 200_000_000
    with_it = memory.peak_bytes()
    assert with_it >= psutil.Process().memory_info().rss - 50_000_000
    del large
    memory.forget_peak()
    assert memory.peak_bytes() < with_it - 150_000_000
