"""Files written atomically, untrusted files read safely, and folders for runs.

Nothing here runs code from a file: what is read is text, or tensors in the safetensors format.
"""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, final

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor

from ..check import InputError, InWords, refuse

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Opening a symbolic link is an error, where the system supports that."""

LARGEST_HEADER = 2**25
"""The most bytes of a safetensors header, which has the tensors' names and our text: ten layers take a few thousand."""

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.bool: "BOOL",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
}
"""The names of torch's dtypes in the safetensors format."""

ZEROS = "0" * 64
MARK = b'"checksum":"'


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new, empty file beside `path` to write to; at the end it replaces `path` in one rename.

    Its content is on the disk before the rename, and the rename before this returns: a power failure leaves the old
    file or the new one. A link in the temporary file's place is removed, not followed.
    """
    temporary = _begun(path)
    try:
        yield temporary
        _to_disk(temporary, os.O_RDWR)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # elsewhere a folder cannot be opened, and a rename is on the disk at once
        with suppress(OSError):  # some network file systems do not support this for folders; the file is there
            _to_disk(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def check_writable(argument: str, path: Path) -> None:
    """Raises an `InputError` for a file that cannot be written, before the work whose result it is to hold."""
    try:
        _begun(path).unlink()
    except OSError as error:
        raise unwritable(argument, path, error, "file") from error


def _begun(path: Path) -> Path:
    """A new, empty file beside `path`."""
    if path.is_dir():  # raised before anything is written, also for ".", which has no name
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = path.with_name(path.name + ".part")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return temporary


def _to_disk(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes tensors by name in the safetensors format, from any device."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines(contents(tensors, metadata))


def write_sealed(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes the same with one more text: "checksum", the SHA-256 of the file with zeros in its place."""
    metadata, digest = {**metadata, "checksum": ZEROS}, hashlib.sha256()
    for part in contents(tensors, metadata):
        digest.update(part)
    parts = contents(tensors, metadata)
    head = bytes(next(parts))
    place, checksum = _place(head), digest.hexdigest().encode()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines((head[:place], checksum, head[place + len(checksum) :]))
        file.writelines(parts)


def has_checksum(content: bytes) -> bool:
    """Whether a safetensors file was written by `write_sealed`; a file of another program has no checksum."""
    return _place(content) >= 0


def is_intact(content: bytes | mmap) -> bool:
    """Whether the file has a checksum and it is correct."""
    place = _place(content)
    digest = hashlib.sha256(content[:place] + ZEROS.encode())
    digest.update(memoryview(content)[place + len(ZEROS) :])
    return place >= 0 and digest.hexdigest().encode() == content[place : place + len(ZEROS)]


def _place(content: bytes | mmap) -> int:
    """The offset of the checksum in the file; -1 if there is none."""
    found = content.find(MARK, 0, 8 + LARGEST_HEADER)  # inside a JSON string the quotes would be escaped
    return found if found < 0 else found + len(MARK)


def contents(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """A safetensors file with those tensors, part by part: its header, and then each tensor's own memory.

    The library's `save` has everything in memory three times: as copies, as bytes and joined. The header is its length
    in eight bytes and a JSON text; the tensors follow, those with the largest elements first, so that each is aligned
    for its dtype. https://github.com/huggingface/safetensors#format
    """
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))
    entries: dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
    end = 0
    for name, tensor in ordered:
        start, end = end, end + tensor.nbytes
        entries[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    yield len(header).to_bytes(8, "little") + header
    for _, tensor in ordered:
        yield own_bytes(tensor)


def own_bytes(tensor: Tensor) -> memoryview:
    """The bytes of a tensor, without a copy if it is contiguous on the CPU."""
    together = tensor.detach().cpu().contiguous()
    numbers = together.as_strided((together.numel(),), (1,))  # a tensor of one element may have any stride
    return memoryview(numbers.view(torch.uint8).numpy())  # type: ignore[arg-type]  # NumPy's is one


def bytes_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with those tensors, in one piece."""
    return b"".join(contents(tensors, metadata))


def read_bytes(path: Path, largest: int) -> bytes:
    """The content of an ordinary file; raises an `InputError` that names it for a link, a device, or a larger file."""
    try:
        with open(os.open(path, os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise refuse(str(path), InWords(_kind(status.st_mode)), "an ordinary file", "put the file itself there")
            if status.st_size > largest:
                raise refuse(str(path), status.st_size, f"a file of at most {largest} bytes", "train again")
            return file.read(status.st_size)
    except OSError as error:
        if path.is_symlink():
            raise refuse(
                str(path), InWords("a symbolic link"), "an ordinary file", "put the file itself there"
            ) from error
        raise InputError(f"{path} must be a file that can be read, got {error.strerror}; train again.") from error


@contextmanager
def mapped(path: Path) -> Iterator[mmap]:
    """The content of a file that this process has written, mapped instead of read into memory."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            content = stack.enter_context(mmap(file.fileno(), 0, access=ACCESS_READ))
        except (OSError, ValueError) as error:  # gone, or empty
            raise InputError(f"{path} must be the file that was written there, got {error}; train again.") from error
        yield content


@final
class Stored(Mapping[str, Tensor]):
    """The tensors of such a file whose names have a prefix, by the rest of their names; each is read on access."""

    def __init__(self, path: Path, start: str) -> None:
        self._file, self._start = safe_open(path, framework="pt"), start

    def __getitem__(self, name: str) -> Tensor:
        tensor: Tensor = self._file.get_tensor(self._start + name)  # type: ignore[no-untyped-call]
        return tensor

    def __iter__(self) -> Iterator[str]:
        names = self._file.keys()  # type: ignore[no-untyped-call]
        return (name.removeprefix(self._start) for name in names if name.startswith(self._start))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def read_text(path: Path, largest: int) -> str:
    """The text of a file; raises an `InputError` that names it if it cannot be read."""
    try:
        return read_bytes(path, largest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be a file of text, got {error}; train again.") from error


def tensors_in(content: bytes, path: Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file's content, on the CPU; `path` is for the `InputError`."""
    metadata_in(content, path)  # the header's limit
    try:
        return load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError, RuntimeError) as error:
        raise InputError(f"{path} must be a safetensors file, got {error}; train again.") from error


def metadata_in(content: bytes | mmap, path: Path) -> dict[str, str]:
    """The metadata in a safetensors file's content; `path` is for the `InputError`."""
    length = int.from_bytes(content[:8], "little")
    if length > LARGEST_HEADER:
        raise InputError(f"{path} must be a safetensors file, got a header of {length} bytes; train again.")
    try:
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        return {str(name): text for name, text in metadata.items() if isinstance(text, str)}
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} must be a safetensors file, got {error}; train again.") from error


def locked(path: Path) -> FileLock:
    """Takes the lock `path`, released when this process ends at the latest; raises an `InputError` if it is taken."""
    lock = FileLock(path, timeout=0)
    try:
        if path.is_symlink():
            raise refuse(str(path), InWords("a symbolic link"), "a file of its own", "remove the link")
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{path.parent.parent} must be the run of one process at a time, got a second one; "
            f"wait until the first has ended, or choose another folder."
        ) from error
    except OSError as error:
        raise unwritable("RUN", path.parent.parent, error) from error
    return lock


def next_folder(parent: Path, name: str) -> Path:
    """A new folder `parent/name-1`, or with the next free number."""
    number = 1
    while True:
        path = parent / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise unwritable("out", path, error) from error
        else:
            return path


def empty_folder(path: Path) -> Path:
    """That folder, made if needed; raises an `InputError` if it is not empty or cannot be written.

    Leftovers of a run that was killed before its first checkpoint do not count.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        check_empty(path)
        with replacing(path / "config.toml") as temporary:
            temporary.touch()
        (path / "config.toml").unlink()
    except OSError as error:
        raise unwritable("out", path, error) from error
    return path


def check_empty(path: Path) -> None:
    """Raises an `InputError` for a file, or a folder that is not empty: for a check before the folder is needed."""
    try:
        if path.exists() and not all(_left_by_a_kill(entry) for entry in path.iterdir()):
            raise refuse("out", str(path), "a folder that is new or empty", "choose another name, or remove it first")
    except OSError as error:
        raise unwritable("out", path, error) from error


def _left_by_a_kill(entry: Path) -> bool:
    """Whether a folder holds only what a run leaves that was killed before its first checkpoint."""
    if entry.name == "checkpoints" and entry.is_dir() and not entry.is_symlink():
        return all(inside.name == "lock" or inside.suffix == ".part" for inside in entry.iterdir())
    return entry.name in ("config.toml", "config.toml.part") and entry.lstat().st_size == 0


def unwritable(argument: str, path: Path, error: OSError, kind: str = "folder") -> InputError:
    """The error for a folder or a file that cannot be written."""
    return InputError(
        f"{argument} must be a {kind} that can be written, got {str(path)!r} ({error.strerror}); choose another one."
    )


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
