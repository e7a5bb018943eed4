"""WebDataset shards read in place: tar members are found by offset and size, never unpacked.

Only headers, picture members and `.json` members are read; pickles, arrays, links and devices are not,
and member names are labels that never become paths.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from indexing.decode import MAX_BYTES, Refused
from indexing.sources import (
    OTHER_FORMAT,
    OTHER_SUFFIXES,
    SUFFIXES,
    Picture,
    Scan,
    checked_item,
    described,
    refused_reason,
)

TRUNCATED, DAMAGED = "truncated shard", "damaged shard"
_BLOCK = tarfile.BLOCKSIZE
_LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_IGNORED = (tarfile.DIRTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK)
_MAX_TEXT = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a tar file: its name, where its bytes are, and whether it is a plain file."""

    name: str
    offset: int
    size: int
    plain: bool


class ShardProblem(Exception):
    """A tar file ends early or is no tar file; `args[0]` is TRUNCATED or DAMAGED."""


def members(stream: IO[bytes]) -> Iterator[Member]:
    """Yields the members in order; reads nothing but headers and long names.

    The module tarfile parses each header, but does not walk: it reads extended headers of any size
    into memory and nests them without end.

    Raises:
        ShardProblem: after the members that could be read.
    """
    end = stream.seek(0, 2)
    offset, long_name, sparse = 0, "", False
    while True:
        stream.seek(offset)
        block = stream.read(_BLOCK)
        if block == bytes(_BLOCK):
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        except tarfile.HeaderError as problem:
            raise ShardProblem(TRUNCATED if len(block) < _BLOCK else DAMAGED) from problem
        if header.size < 0:
            raise ShardProblem(DAMAGED)
        start, size = offset + _BLOCK, header.size
        offset = start + -(-size // _BLOCK) * _BLOCK
        if header.type in _LONG_NAMES:
            if size > _MAX_TEXT:
                raise ShardProblem(DAMAGED)
            long_name, sparse = _long_name(stream.read(size), header.type)
            continue
        if header.type not in _IGNORED:
            plain = header.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not sparse
            yield Member(long_name or header.name, start, size, plain)
            if start + size > end:
                raise ShardProblem(TRUNCATED)
        long_name, sparse = "", False


def _long_name(data: bytes, kind: bytes) -> tuple[str, bool]:
    """The name out of an extended header, "" if it holds none; and whether the next member is sparse."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "replace"), False
    name = ""
    while b" " in data:
        length, _, _ = data.partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(data):
            raise ShardProblem(DAMAGED)
        key, _, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        if key == b"path":
            name = value.decode("utf-8", "replace")
        if key == b"size" or key.startswith(b"GNU.sparse"):
            return name, True
        data = data[int(length) :]
    return name, False


def scan(path: Path, file: str) -> Scan:
    """The pictures of one shard; file is its name relative to the gallery.

    A sample is what shares a key (the name up to its first dot). What is skipped: samples without a
    picture, second pictures of a key, pictures that are refused, and what a damaged shard cuts off.
    """
    found = Scan()
    pictures: dict[str, Member] = {}
    notes: dict[str, Member] = {}
    skipped: dict[str, str] = {}
    problem = ""
    with path.open("rb") as stream:
        try:
            for member in members(stream):
                key, suffix = _split(member.name)
                if suffix == "json" and member.plain and member.size <= _MAX_TEXT:
                    notes.setdefault(key, member)
                elif suffix in SUFFIXES and key in pictures:
                    found.skipped.append(("duplicate key", f"{file}/{member.name}", key))
                elif suffix in SUFFIXES:
                    pictures[key] = member
                elif suffix in OTHER_SUFFIXES:
                    skipped[key] = OTHER_FORMAT
        except ShardProblem as ended:
            problem = str(ended)
        end = stream.seek(0, 2)
        for key, member in pictures.items():
            about = _about(stream, notes.get(key))
            try:
                reason = _unusable(member, end)
                item = "" if reason else checked_item(_bytes(stream, member))
            except (Refused, OSError) as refused:
                reason = refused_reason(refused)
            if reason:
                found.skipped.append((reason, f"{file}/{member.name}", key))
            else:
                found.pictures.append(
                    Picture(item, file, member.offset, member.size, key, **described(about))
                )
    for key in (skipped.keys() | notes.keys()) - pictures.keys():
        found.skipped.append((skipped.get(key, "without a picture"), f"{file}/{key}", key))
    if problem and not any(reason == problem for reason, _, _ in found.skipped):
        found.skipped.append((problem, file, ""))
    found.total = len(found.pictures) + len(found.skipped)
    return found


def _split(name: str) -> tuple[str, str]:
    """Key and suffix of a member as WebDataset splits them: at the first dot of the last part."""
    folder, slash, last = name.rpartition("/")
    stem, _, suffix = last.partition(".")
    return folder + slash + stem, suffix.lower()


def _unusable(member: Member, end: int) -> str:
    parts = member.name.replace("\\", "/").split("/")
    if ".." in parts or member.name.startswith(("/", "\\")) or "\0" in member.name:
        return "unsafe name"
    if not member.plain:
        return "not a plain file"
    if member.size > MAX_BYTES:
        return "over 64 MiB"
    return TRUNCATED if member.offset + member.size > end else ""


def _bytes(stream: IO[bytes], member: Member) -> bytes:
    stream.seek(member.offset)
    return stream.read(member.size)


def _about(stream: IO[bytes], member: Member | None) -> dict[str, Any]:
    if member is None:
        return {}
    try:
        about = json.loads(_bytes(stream, member))
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}
