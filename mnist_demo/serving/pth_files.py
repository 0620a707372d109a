"""Reads the zip that `torch.save` writes without trusting it: first which tensors it holds, then their numbers.

Knows the container and the few pickle names that a state dict, or a training checkpoint around one, needs. Does not
know networks. Does not use torch.load: tensors are made from the members' bytes, after the table has been read and
every size in it checked. Everything else is refused with InvalidCheckpoint, in one plain sentence.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from mnist_demo.errors import InvalidCheckpoint
from mnist_demo.learning.checkpoints import FORMAT, PTH_ENDINGS

MAX_MEMBERS = 200  # files in a .pth: one for each tensor, and a few
MAX_TABLE_BYTES = 64_000
MAX_UNPACKED_BYTES = 8_000_000
MAX_TENSORS = 100  # our largest network has 43
MAX_NUMBERS = 8_000_000  # of one tensor
_OPCODES = frozenset(  # all that torch.save needs for a state dict, and for numbers and words beside it
    (
        *("FRAME", "MEMOIZE", "SHORT_BINUNICODE", "STACK_GLOBAL", "BINFLOAT", "EMPTY_LIST", "APPEND", "APPENDS"),
        *("PROTO", "GLOBAL", "MARK", "REDUCE", "BUILD", "BINPERSID", "STOP"),
        *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "SETITEM", "SETITEMS"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_DICT"),
        *("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "NEWFALSE", "NEWTRUE", "NONE"),
    )
)
_OTHER_MEMBERS = frozenset(
    ("data.pkl", "byteorder", "version", ".data/serialization_id", ".format_version", ".storage_alignment")
)
_STORAGES = {  # torch's names in a pickle
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
}
_SAVE = "save model.state_dict() with torch.save and nothing else"


@dataclass(frozen=True)
class Described:
    """A tensor as the table of a .pth describes it: offset and strides count numbers, not bytes."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    member: str
    offset: int
    stride: tuple[int, ...]


@dataclass(frozen=True)
class PthFile:
    """A .pth whose container and table are sound. Its numbers are still to be looked at."""

    tensors: Mapping[str, Described]
    members: Mapping[str, bytes]
    said: Mapping[str, str]  # text from our own files (`checkpoints.to_pth`) that says what they are; it may be forged

    def load(self) -> dict[str, Tensor]:
        """The tensors, made from the members' bytes."""
        return {name: self._tensor(described) for name, described in self.tensors.items()}

    def _tensor(self, described: Described) -> Tensor:
        content = self.members.get(described.member)
        if content is None:
            raise InvalidCheckpoint("The .pth file is damaged: its tensors are not where its table says.")
        numbers = torch.frombuffer(bytearray(content), dtype=described.dtype)
        return numbers.as_strided(described.shape, described.stride, described.offset).clone()


def read(blob: bytes) -> PthFile:
    """Checks container and table, in that order. Raises InvalidCheckpoint."""
    members = _members(blob)
    reader, tensors = _described(members["data.pkl"])
    named = {f"data/{key}": storage for key, storage in reader.storages.items()}
    for name, content in members.items():
        if name not in named and name not in _OTHER_MEMBERS:
            raise InvalidCheckpoint(f"The .pth file holds {name[:40]!a}, which its table does not name.")
        if name in named and len(content) != named[name].count * named[name].dtype.itemsize:
            raise InvalidCheckpoint("The .pth file is damaged: its tensors are not where its table says.")
    return PthFile(tensors, members, reader.said)


def _members(blob: bytes) -> dict[str, bytes]:
    """The files in a .pth by name, without their folder; at most 8 MB in all, compressed or not."""
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_MEMBERS:
                raise InvalidCheckpoint(f"The .pth file holds {len(entries):,} files; {MAX_MEMBERS} is the most.")
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise InvalidCheckpoint("The .pth file is compressed and holds more than a checkpoint of 8 MB.")
            _refuse_other_archives([entry.filename for entry in entries])
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


def _refuse_other_archives(names: Sequence[str]) -> None:
    """Refuses zip files that are not a .pth, naming what they are."""
    if any("/code/" in name for name in names):
        raise InvalidCheckpoint(f"This is a TorchScript program, not weights alone: {_SAVE}.")
    if names and all(name.endswith(".npy") for name in names):
        raise InvalidCheckpoint(f"These are NumPy arrays: load them into your model, then {_SAVE}.")
    if any(name.endswith(PTH_ENDINGS) for name in names):
        raise InvalidCheckpoint("This is a zip file with a checkpoint inside: unpack it, and load the file itself.")


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    count: int
    member: str


def _rebuilt(storage: object, offset: object, shape: object, stride: object, *_flags: object) -> Described:
    sizes = (offset, *shape, *stride) if isinstance(shape, tuple) and isinstance(stride, tuple) else (None,)
    if not isinstance(storage, _Storage) or not all(type(size) is int and 0 <= size <= MAX_NUMBERS for size in sizes):
        raise pickle.UnpicklingError("no tensor")
    assert isinstance(shape, tuple)
    assert isinstance(stride, tuple)
    assert type(offset) is int
    if len(shape) != len(stride) or math.prod(shape) > storage.count:  # zeros(1).expand(100000, 100000)
        raise pickle.UnpicklingError("a tensor larger than its numbers")
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
    if 0 not in shape and last >= storage.count:
        raise pickle.UnpicklingError("a tensor beyond its numbers")
    return Described(shape, storage.dtype, storage.member, offset, stride)


def _parameter(tensor: object, *_flags: object) -> object:
    """A parameter is its tensor."""
    return tensor


class _TableReader(pickle._Unpickler):
    """Reads which tensors a .pth holds without making any. Only a few known names are looked up.

    It is the Python unpickler, because one opcode can make the C one reserve gigabytes for its memo.
    """

    def find_class(self, module: str, name: str) -> object:
        return _known(module, name)

    def load_build(self) -> None:
        """Does not restore an object's state: in a state dict it holds only the versions of its layers.

        Our own files say there what they are, in text.
        """
        state = self.stack.pop()  # type: ignore[attr-defined]
        metadata = state.get("_metadata") if isinstance(state, dict) else None
        said = metadata.get(FORMAT) if isinstance(metadata, dict) else None
        if isinstance(said, dict):
            self.said.update(
                {key: text for key, text in said.items() if isinstance(key, str) and isinstance(text, str)}
            )

    def load_setitem(self) -> None:
        """Keys must be text, or an optimizer's numbers: hashing deeply nested tuples could take for ever."""
        if type(self.stack[-2]) not in (str, int):  # type: ignore[attr-defined]
            raise pickle.UnpicklingError("a key that is no text")
        super().load_setitem()  # type: ignore[misc]

    def load_setitems(self) -> None:
        """The same for many at once: the stack holds key, value, key, value since the mark."""
        if not all(type(key) in (str, int) for key in self.stack[::2]):  # type: ignore[attr-defined]
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
        self.said: dict[str, str] = {}
        self.storages: dict[str, _Storage] = {}  # by key: data/<key> in the archive

    def persistent_load(self, pid: object) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) == 5 and pid[0] == "storage"):
            raise pickle.UnpicklingError("no storage")
        if not (isinstance(pid[1], torch.dtype) and type(pid[4]) is int and 0 <= pid[4] <= MAX_NUMBERS):
            raise pickle.UnpicklingError("no storage of ours")
        if not isinstance(pid[2], str):
            raise pickle.UnpicklingError("a storage without a name")
        storage = _Storage(pid[1], pid[4], f"data/{pid[2]}")
        if self.storages.setdefault(pid[2], storage) != storage:
            raise pickle.UnpicklingError("one storage described in two ways")
        return storage


def _described(table: bytes) -> tuple[_TableReader, dict[str, Described]]:
    """The state dict in a pickle, name -> shape and dtype, and its reader, which holds the storages."""
    reader = _TableReader(io.BytesIO(table))
    try:
        _check_opcodes(table)
        tensors = _state_dict(reader.load())
    except InvalidCheckpoint:
        raise
    except Exception as error:  # a stranger's pickle can make its reader raise anything
        raise InvalidCheckpoint("The .pth file's table cannot be read as a state dict.") from error
    if not 0 < len(tensors) <= MAX_TENSORS:
        raise InvalidCheckpoint(f"The .pth file's table holds no state dict of at most {MAX_TENSORS} tensors: {_SAVE}.")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Described):
            raise InvalidCheckpoint(f"The .pth file's state dict holds something besides tensors: {_SAVE}.")
    return reader, dict(tensors)


def _state_dict(saved: object) -> dict[Any, Any]:
    """The state dict in what was saved: itself, a list of its tensors, or the weights in a training checkpoint."""
    if isinstance(saved, list):
        return {str(place): tensor for place, tensor in enumerate(saved)}
    if not isinstance(saved, dict):
        return {}
    inner = {key: value for key, value in saved.items() if isinstance(value, dict) and value}
    for key, value in inner.items():
        if all(isinstance(each, Described) for each in value.values()) and "optim" not in str(key):
            return value
    return saved if any(isinstance(each, Described) for each in saved.values()) else {}


def _check_opcodes(table: bytes) -> None:
    """Refuses a pickle with a name or an opcode that a state dict does not need; says which name came first."""
    operations = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(table)]
    for name, argument in operations:
        if name == "GLOBAL":
            _known(*str(argument).split(" ", 1))
    if not _OPCODES.issuperset(name for name, _ in operations):
        raise InvalidCheckpoint(f"The .pth file's table holds more than the tensors of a state dict: {_SAVE}.")


def _empty_table() -> OrderedDict[str, object]:
    """An ordered dictionary that takes its keys one by one, where each is looked at."""
    return OrderedDict()


def _known(module: str, name: str) -> object:
    """What a name in a state dict's pickle stands for. Raises InvalidCheckpoint for any other name."""
    known: dict[tuple[str, str], object] = {
        ("collections", "OrderedDict"): _empty_table,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
        ("torch._utils", "_rebuild_parameter"): _parameter,
        **{("torch", storage): dtype for storage, dtype in _STORAGES.items()},
    }
    if (module, name) not in known:
        raise InvalidCheckpoint(
            f"The .pth file holds more than tensors, {f'{module}.{name}'[:60]!a}, and would run its program: {_SAVE}."
        )
    return known[module, name]
