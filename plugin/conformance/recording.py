"""A recording that a person names, as the bytes that the feed's decoder reads.

Our own segments (.brec) are unpacked, any other file is taken as it is. Raises InputError for a file that
cannot be read, is empty, or records something else.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from barocast.plugin.segment_file import MAX_HEADER, SUFFIX, Chunk, SegmentReader, read_header
from barocast.runtime.errors import InputError
from barocast.runtime.recorded import CHUNK, read_chunks

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.plugin.feeds import Feed

MAX_RECORDING: Final = 4 << 20
"""Bytes of a recording that are read: hours of any numerics, and the check stays short."""


def read_recording(path: Path, feed: Feed) -> bytes:
    """Give a file's bytes, at most MAX_RECORDING."""
    data = b"".join(islice(read_chunks(path), MAX_RECORDING // CHUNK))
    return _unpacked(path, feed, data) if path.suffix.lower() == SUFFIX else data


def _unpacked(path: Path, feed: Feed, data: bytes) -> bytes:
    try:
        header, begin = read_header(data[:MAX_HEADER])
    except ValueError as error:
        raise InputError(f"{path}: {error}; name a file that `barocast run` recorded") from error
    if header.feed != feed.name:
        raise InputError(f"{path}: records {header.feed}; check that feed, or name another file")
    if "udp" in feed.schemes:
        raise InputError(f"{path}: holds datagrams; name a file that the decoder of {feed.name} reads")
    found = SegmentReader(begin).feed(data[begin:])
    return b"".join(piece.data for piece in found if isinstance(piece, Chunk))
