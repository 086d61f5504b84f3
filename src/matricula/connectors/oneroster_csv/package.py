"""A bundle on disk: a zip or a folder, opened with suspicion, its text files in memory.

Nothing is ever unpacked to the disk, so a name in a zip can lead nowhere; names that try
are refused all the same, for whoever sends them means no good.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import Untrusted
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_MB = 2_048
# Deflate cannot pass 1032 to 1; rosters stay below 60 to 1.
LARGEST_RATIO = 400
RATIO_FROM_BYTES = 16 << 20
MOST_FILES = 1_000
_DELIVER_AGAIN = "Have the bundle made and delivered again; nothing was taken from this one."
BUNDLE = "bundle"
_IGNORED = ("__MACOSX", ".")


@dataclass(frozen=True, slots=True)
class Package:
    """The files of a bundle.

    Attributes:
        files: File name, without the folder they may wrongly lie in, to bytes.
        findings: What about the bundle as such breaks the standard.
    """

    files: dict[str, bytes]
    findings: tuple[Finding, ...]


def open_package(path: Path, *, largest_mb: int = LARGEST_MB) -> Package:
    """Read all text files of a bundle.

    Args:
        path: A zip file or a folder.
        largest_mb: What its files may come to when unpacked, in MB.

    Raises:
        Untrusted: Not there (M420), no sound zip (M450), dangerous (M451), or written to
            while it was read (M434).
    """
    if path.is_dir():
        return _of_folder(path, largest_mb)
    if not path.exists():
        raise Untrusted(
            f"The bundle {path.name} is not there.",
            code="M420",
            cure="Have it delivered, or correct its name.",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            return _of_zip(archive, path.name, largest_mb)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _broken(path.name, "is no zip file that can be read whole; it may be cut") from error


def _of_folder(folder: Path, largest_mb: int) -> Package:
    paths = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    texts = [one for one in paths if one.suffix.lower() == ".csv"]
    for one in texts:
        if one.is_symlink() or not one.is_file():
            raise _dangerous(folder.name, f"{one.name} is no regular file")
    before = [_stamp(one) for one in texts]
    _must_fit(sum(size for size, _, _ in before), folder.name, largest_mb)
    files = {one.name: one.read_bytes() for one in texts}
    if [_stamp(one) for one in texts] != before:
        raise Untrusted(
            f"The bundle {folder.name} was written to while it was read.",
            code="M434",
            cure="Run again when the delivery is finished; a zip is delivered in one step.",
        )
    others = [one.name for one in paths if one not in texts]
    return Package(files, tuple(_unknown(name) for name in others))


def _of_zip(archive: zipfile.ZipFile, name: str, largest_mb: int) -> Package:
    infos = [one for one in archive.infolist() if not one.is_dir()]
    if len(infos) > MOST_FILES:
        raise _dangerous(name, f"it holds {len(infos)} files, {MOST_FILES} at most")
    for info in infos:
        _must_be_harmless(info, name)
    _must_fit(sum(one.file_size for one in infos), name, largest_mb)
    wanted = [one for one in infos if not _is_ignored(one.filename)]
    texts = [one for one in wanted if one.filename.lower().endswith(".csv")]
    findings = [_unknown(one.filename) for one in wanted if one not in texts]
    folder = _common_folder([one.filename for one in texts], name)
    if folder:
        findings.append(
            Finding(
                BUNDLE,
                "M450",
                f"The files lie in the folder {folder} of the zip, not at its root.",
                "Have the files zipped without the folder around them.",
            )
        )
    files: dict[str, bytes] = {}
    for info in texts:
        own = info.filename.rpartition("/")[2]
        if own in files:
            raise _broken(name, f"holds {own} twice")
        files[own] = _unpacked(archive, info)
    return Package(files, tuple(findings))


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        # Asked for so many bytes no more are unpacked; asked for all, whatever is in there is.
        found = member.read(info.file_size)
        member.read(1)
        return found


def _must_be_harmless(info: zipfile.ZipInfo, bundle: str) -> None:
    parts = info.filename.replace("\\", "/").split("/")
    if info.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise _dangerous(bundle, f"its file {info.filename!r} leads out of the bundle")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _dangerous(bundle, "a file in it is a link")
    if info.flag_bits & 0x1:
        raise _broken(bundle, "is encrypted")
    ratio = info.file_size / max(info.compress_size, 1)
    if info.file_size > RATIO_FROM_BYTES and ratio > LARGEST_RATIO:
        raise _dangerous(bundle, f"a file in it unpacks to {ratio:.0f} times its size")


def _must_fit(size: int, bundle: str, largest_mb: int) -> None:
    # What a zip says of its files binds: no more than that is unpacked.
    if size > largest_mb << 20:
        raise Untrusted(
            f"The bundle {bundle} is refused: it unpacks to {size >> 20} MB, and `largest_mb` "
            f"allows {largest_mb}.",
            code="M451",
            cure="Ask whoever delivers it what this is; where a roster is truly so large, and "
            "the memory is there, write a larger `largest_mb:`. Nothing was unpacked.",
        )


def _common_folder(names: list[str], bundle: str) -> str:
    folders = {name.rpartition("/")[0] for name in names}
    if len(folders) > 1:
        raise _broken(bundle, "holds CSV files in more than one folder")
    return next(iter(folders), "")


def _is_ignored(name: str) -> bool:
    return any(part.startswith(_IGNORED) for part in name.split("/"))


def _stamp(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ino


def _unknown(name: str) -> Finding:
    return Finding(
        BUNDLE,
        "M453",
        f"The bundle holds {name}, which is no file of the standard.",
        "Leave it out of the bundle; it was not read.",
        "warning",
    )


def _broken(name: str, why: str) -> Untrusted:
    return Untrusted(f"The bundle {name} {why}.", code="M450", cure=_DELIVER_AGAIN)


def _dangerous(name: str, why: str) -> Untrusted:
    return Untrusted(
        f"The bundle {name} is refused: {why}.",
        code="M451",
        cure="Ask whoever delivers it what this is; nothing was unpacked.",
    )
