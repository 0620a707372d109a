"""The zip that `torch.save` writes, read without trust: which tensors it holds, before any of them is made.

Knows the container and the few words a state dict's pickle needs. Does not know networks. What is
refused is refused with InvalidCheckpoint, in one plain sentence.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint

MAX_MEMBERS = 200  # files in a .pth: one for each tensor, and a few
MAX_TABLE_BYTES = 64_000
MAX_TENSORS = 100  # our largest network has 43
MAX_NUMBERS = 8_000_000  # of one tensor
_OPCODES = frozenset(  # all that torch.save needs for a state dict
    (
        *("PROTO", "GLOBAL", "MARK", "REDUCE", "BUILD", "BINPERSID", "STOP"),
        *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "SETITEM", "SETITEMS"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_DICT"),
        *("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "NEWFALSE", "NEWTRUE", "NONE"),
    )
)
_OTHER_MEMBERS = frozenset(
    ("data.pkl", "byteorder", "version", ".data/serialization_id", ".format_version", ".storage_alignment")
)
_STORAGES = {"FloatStorage": torch.float32, "LongStorage": torch.int64}  # torch's names in a pickle


@dataclass(frozen=True)
class Described:
    """A tensor as the table of a .pth describes it."""

    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class PthFile:
    """A .pth whose container and table are sound. Its numbers are still to be looked at."""

    tensors: Mapping[str, Described]
    members: Mapping[str, bytes]

    def load(self) -> dict[str, Tensor]:
        """The tensors, read by torch (weights only) from an archive of our own making."""
        try:
            loaded = torch.load(io.BytesIO(_zipped(self.members)), map_location="cpu", weights_only=True)
        except (
            RuntimeError,
            pickle.UnpicklingError,
            ValueError,
            TypeError,
            KeyError,
            EOFError,
            AttributeError,
        ) as error:
            raise InvalidCheckpoint("The .pth file's tensors do not lie where its table says.") from error
        return dict(loaded)


def read(blob: bytes) -> PthFile:
    """Checks container and table, in that order. Raises InvalidCheckpoint."""
    members = _members(blob)
    reader, tensors = _described(members["data.pkl"])
    named = {f"data/{key}": storage for key, storage in reader.storages.items()}
    for name, content in members.items():
        if name not in named and name not in _OTHER_MEMBERS:
            raise InvalidCheckpoint(f"The .pth file holds {name[:40]!a}, which its table does not name.")
        if name in named and len(content) != named[name].count * named[name].dtype.itemsize:
            raise InvalidCheckpoint("The .pth file's tensors do not lie where its table says.")
    return PthFile(tensors, members)


def _members(blob: bytes) -> dict[str, bytes]:
    """The files in a .pth, without their folder's name. Stored ones only: a deflated one may unpack to anything."""
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_MEMBERS:
                raise InvalidCheckpoint(f"The .pth file holds {len(entries):,} files; {MAX_MEMBERS} is the most.")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                    raise InvalidCheckpoint("The .pth file is compressed, which torch.save never does.")
            if sum(entry.file_size for entry in entries) > len(blob):
                raise InvalidCheckpoint("The .pth file claims to hold more than it does.")
            members = {entry.filename.partition("/")[2]: archive.read(entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
    ) as error:
        raise InvalidCheckpoint("The .pth file is damaged or cut off.") from error
    if len(members) != len(entries) or "data.pkl" not in members:
        raise InvalidCheckpoint("This is not a .pth file as torch.save writes it.")
    if len(members["data.pkl"]) > MAX_TABLE_BYTES:
        raise InvalidCheckpoint(f"The .pth file's table has over {MAX_TABLE_BYTES:,} bytes.")
    return members


def _zipped(members: Mapping[str, bytes]) -> bytes:
    """The same members in an archive of our own, so that torch reads what was checked and nothing else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(f"checkpoint/{name}", content)
    return buffer.getvalue()


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    count: int


def _rebuilt(storage: object, offset: object, shape: object, stride: object, *_flags: object) -> Described:
    sizes = (offset, *shape, *stride) if isinstance(shape, tuple) and isinstance(stride, tuple) else (None,)
    if not isinstance(storage, _Storage) or not all(type(size) is int and 0 <= size <= MAX_NUMBERS for size in sizes):
        raise pickle.UnpicklingError("no tensor")
    assert isinstance(shape, tuple)
    if math.prod(shape) > storage.count:  # zeros(1).expand(100000, 100000)
        raise pickle.UnpicklingError("a tensor larger than its numbers")
    return Described(shape, storage.dtype)


class _TableReader(pickle._Unpickler):
    """Reads which tensors a .pth holds without making any: no name in it is looked up, but for these few.

    The Python unpickler, as the C one can be made to reserve gigabytes for its memo by one opcode.
    """

    def find_class(self, module: str, name: str) -> object:
        return _known(module, name)

    def load_build(self) -> None:
        """Leaves out what an object would make of its state: a state dict's is only the versions of its layers."""
        self.stack.pop()  # type: ignore[attr-defined]

    def load_setitem(self) -> None:
        """Keys are text: the hash of a tuple of tuples of the same tuple would take for ever."""
        if not isinstance(self.stack[-2], str):  # type: ignore[attr-defined]
            raise pickle.UnpicklingError("a key that is no text")
        super().load_setitem()  # type: ignore[misc]

    def load_setitems(self) -> None:
        """The same for many at once: the stack holds key, value, key, value since the mark."""
        if not all(isinstance(key, str) for key in self.stack[::2]):  # type: ignore[attr-defined]
            raise pickle.UnpicklingError("a key that is no text")
        super().load_setitems()  # type: ignore[misc]

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
    }

    def __init__(self, table: io.BytesIO) -> None:
        super().__init__(table)
        self.storages: dict[str, _Storage] = {}  # by key: data/<key> in the archive

    def persistent_load(self, pid: object) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) == 5 and pid[0] == "storage"):
            raise pickle.UnpicklingError("no storage")
        if not (isinstance(pid[1], torch.dtype) and type(pid[4]) is int and 0 <= pid[4] <= MAX_NUMBERS):
            raise pickle.UnpicklingError("no storage of ours")
        storage = _Storage(pid[1], pid[4])
        if not isinstance(pid[2], str) or self.storages.setdefault(pid[2], storage) != storage:
            raise pickle.UnpicklingError("one storage described in two ways")
        return storage


def _described(table: bytes) -> tuple[_TableReader, dict[str, Described]]:
    """The state dict in a pickle, name -> shape and dtype; and its reader, which knows the storages."""
    reader = _TableReader(io.BytesIO(table))
    try:
        _check_opcodes(table)
        tensors = reader.load()
    except InvalidCheckpoint:
        raise
    except Exception as error:  # a stranger's pickle can make its reader raise anything
        raise InvalidCheckpoint("The .pth file's table cannot be read as a state dict.") from error
    if not isinstance(tensors, dict) or not 0 < len(tensors) <= MAX_TENSORS:
        raise InvalidCheckpoint(f"The .pth file does not hold a state dict of at most {MAX_TENSORS} tensors.")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Described):
            raise InvalidCheckpoint("The .pth file holds something besides tensors: save model.state_dict() alone.")
    return reader, dict(tensors)


def _check_opcodes(table: bytes) -> None:
    """Names the first thing a state dict would not name, else the first operation it would not need."""
    operations = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(table)]
    for name, argument in operations:
        if name == "GLOBAL":
            _known(*str(argument).split(" ", 1))
    for name, _ in operations:
        if name not in _OPCODES:
            raise InvalidCheckpoint(f"The .pth file's table uses {name}, which a state dict never needs.")


def _empty_table() -> OrderedDict[str, object]:
    """An ordered dictionary that takes its keys one by one, where each is looked at."""
    return OrderedDict()


def _known(module: str, name: str) -> object:
    """What a name in a state dict's pickle stands for. Raises InvalidCheckpoint for any other name."""
    known: dict[tuple[str, str], object] = {
        ("collections", "OrderedDict"): _empty_table,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
        **{("torch", storage): dtype for storage, dtype in _STORAGES.items()},
    }
    if (module, name) not in known:
        raise InvalidCheckpoint(
            f"The .pth file names {f'{module}.{name}'[:60]!a}: save model.state_dict() in float32 and nothing else."
        )
    return known[module, name]
