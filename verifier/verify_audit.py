#!/usr/bin/env python3
"""Check an exported audit without the product that wrote it.

    verify_audit.py EXPORT [--checkpoint FILE] [--public-key HEX]

Everything is computed again from the export: the digest of every entry, the Merkle root
of every batch (RFC 6962), the chain of the batches, the digest of every value that is
there, the erasure that explains every value that is not, and the Ed25519 signature of
every checkpoint. One line a check; exit code 0 when all of it holds, 1 when something does
not, with the entry named. A rewritten history can be told only with a checkpoint that was
handed out earlier: give it with --checkpoint.

Needs Python 3.9 and nothing else; signatures need the package `cryptography`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT = "matricula-audit-1"
CHECKPOINT = "matricula-checkpoint-1"
ERASURE = "audit.erasure"
GENESIS = "0" * 64
POINT_KINDS = {
    "batch": int, "last_seq": int, "chain": str, "at": str, "public_key": str, "signature": str,
}  # fmt: skip
# Capitals or spaces would be the same signature in another spelling; one spelling is enough.
POINT_DIGITS = {"public_key": "[0-9a-f]{64}", "signature": "[0-9a-f]{128}"}
BESIDE = {
    "entry": "Entry {} stands outside every batch.",
    "batch": "Batch {} was not sealed by an append.",
    "values": "Values stand beside entry {}, which does not exist.",
    "head": "A second head, {}, stands beside the audit's own.",
    "act": "What act {} says was done to no entry.",
    "erased": "The values of entry {} are there, though an erasure is recorded that took them.",
    "erasure": "The erasure of entry {} is not recorded as a sealed entry orders it.",
}
HEADER_KINDS = {"format": str, "batches": int, "entries": int, "head": str, "values": bool}


class Broken(Exception):
    """The audit, or what was handed in, is not what was sealed."""


def digest(prefix: bytes, value: list) -> bytes:
    """SHA-256 over a prefix byte and a value as JSON without white space."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return sha256(prefix + text.encode()).digest()


def merkle_root(leaves: list[bytes]) -> str:
    """The tree hash of RFC 6962, section 2.1, whose leaves are digested already."""

    def tree(first: int, last: int) -> bytes:
        if last - first == 1:
            return leaves[first]
        left = 1 << (last - first - 1).bit_length() - 1
        return sha256(b"\1" + tree(first, first + left) + tree(first + left, last)).digest()

    return tree(0, len(leaves)).hex()


class Walk:
    """How far the check has come; changes with every line."""

    def __init__(self) -> None:
        self.number, self.last, self.chain = 0, 0, GENESIS
        self.batch: list | None = None
        self.leaves: list[bytes] = []
        self.values, self.gone, self.erased = 0, set(), set()
        self.chains = {0: (0, GENESIS)}
        self.points: list[dict] = []
        self.beside: list[list] = []

    def take(self, line: dict) -> None:
        """Check one line."""
        keys = set(line)
        if keys == {"batch"}:
            self.close_batch()
            self.open_batch(line["batch"])
        elif keys in ({"entry"}, {"entry", "values"}):
            self.take_entry(line["entry"], line.get("values"))
        elif keys == {"checkpoint"}:
            self.points.append(checked_point(line["checkpoint"], "A checkpoint in the export"))
        elif keys == {"beside"} and is_row(line["beside"], [str, int]):
            self.beside.append(line["beside"])
        else:
            raise Broken(f"After entry {self.last} stands a line of no known kind.")

    def open_batch(self, batch: object) -> None:
        if not is_row(batch, [int, int, int, str, str, str, str]):
            raise Broken(f"After entry {self.last} stands a batch that cannot be read.")
        number, first, last = batch[:3]
        if number != self.number + 1:
            raise Broken(
                f"Entry {self.last + 1} is sealed by nothing: batch {self.number + 1} is missing."
            )
        if batch[4] != self.chain:
            raise Broken(
                f"Batch {number} (from entry {first}) does not follow batch {self.number}, "
                f"which ends with entry {self.last}."
            )
        if first != self.last + 1 or last < first:
            raise Broken(f"Batch {number} claims entry {first}; entry {self.last + 1} comes next.")
        self.batch, self.leaves = batch, []

    def take_entry(self, entry: object, values: object) -> None:
        seq = self.last + 1
        if not is_row(entry, [int] + [str] * 10):
            raise Broken(f"Entry {seq} cannot be read.")
        if self.batch is not None and seq > self.batch[2]:
            self.close_batch()
        if self.batch is None:
            raise Broken(f"Entry {entry[0]} stands outside every batch.")
        if entry[0] != seq:
            raise Broken(f"Entry {seq} is missing; entry {entry[0]} stands in its place.")
        leaf = digest(b"\0", entry[:10])
        if leaf.hex() != entry[10]:
            raise Broken(f"Entry {seq} is not what was sealed.")
        self.take_values(seq, entry, values)
        self.leaves.append(leaf)
        self.last = seq

    def take_values(self, seq: int, entry: list, values: object) -> None:
        if values is None:
            self.gone.add(seq)
            return
        if not is_row(values, [str] * 4):
            raise Broken(f"The values of entry {seq} cannot be read.")
        lengths = ",".join(str(len(text)) for text in values)
        if sha256(f"{lengths}:{''.join(values)}".encode()).hexdigest() != entry[9]:
            raise Broken(f"The key or the values of entry {seq} are not what was sealed.")
        self.values += 1
        if entry[4] == ERASURE:
            try:
                self.erased.update(json.loads(values[3])["entries"])
            except (ValueError, KeyError, TypeError):
                raise Broken(f"Entry {seq} is an erasure that names no entries.") from None

    def close_batch(self) -> None:
        if self.batch is None:
            return
        number, first, last, root, previous, chain, at = self.batch
        if self.last != last:
            raise Broken(f"Entry {self.last + 1} is missing: batch {number} runs to entry {last}.")
        if merkle_root(self.leaves) != root:
            raise Broken(
                f"Batch {number} does not seal what is there: entry {first}, or one of those up "
                f"to entry {last}, is another."
            )
        if digest(b"\2", [number, first, last, root, previous, at]).hex() != chain:
            raise Broken(f"The seal of batch {number} (from entry {first}) was altered.")
        self.number, self.chain, self.batch = number, chain, None
        self.chains[number] = (last, chain)


def is_row(value: object, kinds: list) -> bool:
    """Whether a JSON value is a list of just these kinds."""
    return (
        isinstance(value, list)
        and len(value) == len(kinds)
        and all(type(one) is kind for one, kind in zip(value, kinds))
    )


def checked_point(told: object, what: str) -> dict:
    """A checkpoint with all its parts."""
    if not isinstance(told, dict) or {k: type(v) for k, v in told.items()} != POINT_KINDS:
        raise Broken(f"{what} cannot be read.")
    if not all(re.fullmatch(digits, told[name]) for name, digits in POINT_DIGITS.items()):
        raise Broken(f"{what}, of {told['at']}, is not spelt as one is: its digits are small.")
    return told


def read_lines(path: Path, walk: Walk) -> Iterator[dict]:
    """Every line of the export as a JSON object."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                told = json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                told = None
            if not isinstance(told, dict):
                raise Broken(
                    f"Line {number} cannot be read; it comes after entry {walk.last}, where entry "
                    f"{walk.last + 1} is due."
                )
            yield told


def check_export(path: Path) -> tuple[Walk, dict]:
    """Walk through the whole export."""
    walk = Walk()
    lines = read_lines(path, walk)
    header = next(lines, {})
    kinds = {name: type(value) for name, value in header.items()}
    if kinds != HEADER_KINDS or header["format"] != EXPORT:
        raise Broken(f"The first line of {path} is no header; entry 1 cannot be found.")
    try:
        for line in lines:
            walk.take(line)
    except UnicodeEncodeError:
        # Half a surrogate pair, which JSON can spell and no text can hold.
        raise Broken(f"Entry {walk.last + 1} cannot be read.") from None
    walk.close_batch()
    if (walk.number, walk.last) != (header["batches"], header["entries"]):
        raise Broken(
            f"The export ends with entry {walk.last}, its header promises {header['entries']}: "
            f"entry {walk.last + 1} and what followed is gone."
        )
    if walk.chain != header["head"]:
        raise Broken(
            f"The header does not carry the chain of the last batch, at entry {walk.last}."
        )
    unexplained = min(walk.gone - walk.erased, default=None)
    if header["values"] and unexplained is not None:
        raise Broken(f"The values of entry {unexplained} are gone, and no erasure names it.")
    return walk, header


def read_checkpoint(path: Path) -> dict:
    """A checkpoint that was handed out."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        known = told.pop("format", "") == CHECKPOINT
    except (ValueError, AttributeError, TypeError):
        known = False
    if not known:
        raise Broken(f"{path} is not a checkpoint.")
    return checked_point(told, str(path))


def check_signature(point: dict, public_key: str) -> None:
    """Check who signed a checkpoint, and that it is what was signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    what = f"The checkpoint of {point['at']}, at entry {point['last_seq']},"
    if public_key and point["public_key"] != public_key.strip().lower():
        raise Broken(f"{what} was signed with another key: {point['public_key']}.")
    signed = {name: value for name, value in point.items() if name != "signature"}
    text = json.dumps(
        {**signed, "format": CHECKPOINT},
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(point["public_key"]))
        key.verify(bytes.fromhex(point["signature"]), text.encode())
    except (InvalidSignature, ValueError):
        raise Broken(f"{what} is not what its key signed.") from None


def check_point(point: dict, walk: Walk) -> None:
    """Hold a checkpoint against the chain that was computed."""
    if point["batch"] > walk.number or point["last_seq"] > walk.last:
        raise Broken(
            f"The checkpoint of {point['at']} vouches for {point['last_seq']} entries: entry "
            f"{walk.last + 1} and what followed is gone."
        )
    if walk.chains.get(point["batch"]) != (point["last_seq"], point["chain"]):
        raise Broken(
            f"The checkpoint of {point['at']} vouches for another history up to entry "
            f"{point['last_seq']}: the audit was rewritten."
        )


def check(options: argparse.Namespace) -> None:
    """Make every check and print a line for each."""
    walk, header = check_export(options.export)
    print(f"holds  {walk.last} entries: none missing, none moved, none altered")
    print(f"holds  {walk.number} batches: every root and the whole chain, to {walk.chain}")
    if header["values"]:
        print(f"holds  {walk.values} values: none altered; {len(walk.gone)} erased, by entries")
    else:
        print("       values were left out of this export; nothing is said about them")
    points = list(walk.points)
    if options.checkpoint:
        points.append(read_checkpoint(options.checkpoint))
    for point in points:
        check_point(point, walk)
        check_signature(point, options.public_key)
    for kind, number in walk.beside:
        raise Broken(BESIDE.get(kind, "Something, {}, stands outside the seals.").format(number))
    print(f"holds  {len(points)} checkpoints: signatures, and the same history up to each")
    if not options.checkpoint:
        print("       a checkpoint of your own (--checkpoint) would also show a rewritten history")


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments, check, and say how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path, help="what `matricula audit export` wrote")
    parser.add_argument("--checkpoint", type=Path, help="one that was handed out earlier")
    parser.add_argument("--public-key", default="", help="the only key whose signature counts")
    try:
        check(parser.parse_args(arguments))
    except Broken as reason:
        print(f"BROKEN {reason}")
        return 1
    except ImportError:
        print("BROKEN the signatures cannot be checked: install the package cryptography")
        return 1
    except OSError as error:
        print(f"BROKEN {error.filename} cannot be read")
        return 1
    print("The audit is untouched.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
