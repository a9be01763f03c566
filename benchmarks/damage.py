"""Is a damaged file ever read as something that was never saved? Torn at every byte, and every bit of a page flipped.

    python3 benchmarks/damage.py [--every 1] [--json FILE]

A cluster of three on a file decides six puts. *Torn*: what the file and its write-ahead log hold while the cluster is
open is copied, and the log is cut off at each byte of the last two pages that the sixth put added to it, as a loss of
power may leave it. What is read then must be the disks of some moment: every server's chain is the first five blocks or
all six, verified, and the further the cut, the more there is. *Flipped*: of the file as a clean end leaves it, each bit
of its first page of 4 KiB that holds blocks is flipped. What is read then must be all that was saved, or the file is
refused, by name.
`--every N` tries every Nth byte or bit only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.storage import FileStorage, StorageError

PUTS = 6
PAGE = 4096
FRAME = 24
"""A page in the log has so many bytes in front of it."""


def written(folder: Path) -> tuple[bytes, bytes, int, bytes]:
    """Return the file and its log after six puts, how long the log was after five, and the file at a clean end."""
    file = folder / "written.db"
    log = Path(f"{file}-wal")
    with Cluster(3, storage=file) as cluster:
        length = 0
        for number in range(PUTS):
            length = log.stat().st_size
            cluster.put(number, f"value {number}")
            while any(len(cluster.chain(server)) <= number for server in cluster.servers):
                time.sleep(0.01)
        both = file.read_bytes(), log.read_bytes()
    return *both, length, file.read_bytes()


def heights(file: Path) -> list[int]:
    """Return the heights of the chains that are read from a file, each verified. Raises StorageError."""
    return [len(disk.chain) for disk in disks(file).values()]


def disks(file: Path) -> dict[Name, Any]:
    """Return the disks that are read from a file. Raises StorageError."""
    storage = FileStorage(file, [Server] * 3, 1)
    storage.close()
    return storage.disks


def torn(folder: Path, every: int) -> Counter[str]:
    """Cut the log at each byte of the last put; return what came of it. Raises AssertionError for what must not be."""
    file, log, before, _ = written(folder)
    start = max(before, len(log) - 2 * (PAGE + FRAME))
    found, least = Counter[str](), [PUTS - 1] * 3
    for cut in range(start, len(log) + 1, every):
        place = folder / "torn.db"
        place.write_bytes(file)
        Path(f"{place}-wal").write_bytes(log[:cut])
        now = heights(place)
        assert all(low <= height <= PUTS for low, height in zip(least, now, strict=True)), (cut, least, now)
        least = now
        found[f"{sum(now)} of {3 * PUTS} blocks"] += 1
    assert every > 1 or least == [PUTS] * 3
    return found


def flipped(folder: Path, every: int) -> Counter[str]:
    """Flip each bit of a page that holds blocks; return what came of it. Raises AssertionError for what must not be."""
    *_, whole = written(folder)
    saved = disks(folder / "written.db")
    first = next(at for at in range(0, len(whole), PAGE) if whole[at : at + PAGE].count(b'"Block"') > 1)
    found = Counter[str]()
    for bit in range(first * 8, (first + PAGE) * 8, every):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        place = folder / "flipped.db"
        place.write_bytes(damaged)
        for ending in ("-wal", "-shm"):
            Path(f"{place}{ending}").unlink(missing_ok=True)
        try:
            now = disks(place)
        except StorageError as error:
            assert place.name in str(error)
            found["refused"] += 1
        else:
            assert now == saved, (bit, now)
            found["read as it was saved"] += 1
    return found


def main() -> int:
    """Print what was tried and what came of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--every", type=int, default=1)
    options.add_argument("--json", metavar="FILE", type=Path)
    chosen = options.parse_args()
    rows = {}
    for what in (torn, flipped):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            found = what(Path(folder), chosen.every)
        rows[what.__name__] = dict(found)
        told = ", ".join(f"{count:,} times {words}" for words, count in found.items())
        seconds = time.perf_counter() - began
        print(f"{what.__name__}: {sum(found.values()):,} files: {told} ({seconds:.0f} s)", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
