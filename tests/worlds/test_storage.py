"""A cluster on a file outlives its process; a damaged file is refused, with the place, and never cut off silently."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import damage
from paxoskit.protocol.chain import Content, mine
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Put, Request, Vote
from paxoskit.protocol.server import Server
from paxoskit.worlds.cluster import Cluster, NoMajority
from paxoskit.worlds.storage import FileStorage, StorageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "class.db"


def write_some(file: Path, count: int = 20) -> None:
    """Leave a file in which every server has every block."""
    with Cluster(3, storage=file) as cluster:
        for key in range(count):
            cluster.put(key, {"value": key})
        deadline = time.monotonic() + 20
        while any(len(cluster.chain(server)) < count for server in cluster.servers):
            assert time.monotonic() < deadline, "a server lags behind"
            time.sleep(0.01)


def test_a_reopened_cluster_has_every_acknowledged_put(file: Path) -> None:
    write_some(file)
    with Cluster(3, storage=file) as cluster:
        assert [cluster.get(key) for key in range(20)] == [{"value": key} for key in range(20)]
        assert cluster.violations == []


def test_a_reopened_cluster_answers_new_requests_under_new_session_names(file: Path) -> None:
    for opening in range(2):
        with Cluster(3, storage=file) as cluster:
            cluster.put("opened", opening)
    with Cluster(3, storage=file) as cluster:
        cluster.get("opened")
        chain = cluster.chain(cluster.wait_for_leader())
        sessions = {request.session for block in chain for request in block.operations}
    assert sessions >= {f"client 1/{opening}.1" for opening in range(1, 4)}


KILLED = """
import sys
from paxoskit.protocol.chain import Content, mine
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Put, Request, Vote
from paxoskit.protocol.server import Server
from paxoskit.worlds.cluster import Cluster
cluster = Cluster(3, storage=sys.argv[1])
for key in range(100_000):
    cluster.put(key, key)
    print(key, flush=True)
"""


def test_a_killed_process_loses_no_acknowledged_put(file: Path) -> None:
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(40):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        last = max([39, *map(int, rest.split())])
        with Cluster(3, storage=file) as cluster:
            assert [cluster.get(key, timeout=20) for key in range(last + 1)] == list(range(last + 1))


def test_what_an_earlier_process_was_asked_may_be_chosen_by_the_next(file: Path) -> None:
    """A process died after votes were saved and before their block was decided: the next leader proposes that block."""
    write_some(file, 1)
    storage = FileStorage(file, [Server] * 3, 1)
    chain = storage.disks[1].chain
    request = Request("client 1/1.2", 1, Put(show("asked before"), show(2)))
    block = mine(Content(chain.height, chain.hash, (request,)), 0, 1)
    for server in (1, 2):
        disk = storage.disks[server]
        disk.vote = Vote(disk.promised, block)
        storage.save(server, disk)
    storage.close()
    with Cluster(3, storage=file) as cluster:
        assert cluster.get("asked before", timeout=30) == 2
        assert cluster.violations == []


def test_only_one_cluster_at_a_time_may_have_a_file_open(file: Path) -> None:
    with Cluster(3, storage=file), pytest.raises(StorageError, match="is it open elsewhere"):
        Cluster(3, storage=file)


def test_a_file_of_another_cluster_is_refused(file: Path) -> None:
    write_some(file, 1)
    with pytest.raises(StorageError, match="holds a cluster with servers 3, expected 5"):
        Cluster(5, storage=file)
    with pytest.raises(StorageError, match="holds a cluster with difficulty 1, expected 2"):
        Cluster(3, storage=file, difficulty=2)


def test_a_file_that_is_no_storage_is_refused(file: Path) -> None:
    file.write_text("my homework, about two pages, " * 100, encoding="utf-8")
    with pytest.raises(StorageError, match=r"class\.db: .*"):
        Cluster(3, storage=file)


def change(field: str, old: object, new: object) -> str:
    """Return a statement that changes a number in blocks."""
    return f"""UPDATE block SET value = replace(value, '"{field}": {old}', '"{field}": {new}') WHERE true"""


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (change("number", 1, 2) + " AND server = 2 AND height = 0", "server 2: "),
        (change("nonce", "", 1) + " AND server = 1 AND height = 3", "server 1: "),
        ("DELETE FROM block WHERE server = 3 AND height = 4", "server 3: "),
        ("DELETE FROM block WHERE server = 3 AND height > 6", "server 3: "),
        ("UPDATE block SET value = '{}' WHERE server = 1 AND height = 2", "server 1: a block cannot be read"),
        ("UPDATE disk SET value = '{\"Ballot\":[0,0]}' WHERE field = 'promised'", "promised: the checksum is wrong"),
        ("DELETE FROM disk WHERE field = 'vote' AND server = 2", "server 2 has saved no field vote"),
    ],
)
def test_a_damaged_record_is_refused_with_its_place(file: Path, statement: str, says: str) -> None:
    write_some(file, 8)
    database = sqlite3.connect(file)
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(StorageError) as caught:
        Cluster(3, storage=file)
    assert says in str(caught.value)
    assert "class.db" in str(caught.value)


def test_a_flipped_bit_anywhere_is_never_read_as_another_value(file: Path) -> None:
    write_some(file, 8)
    whole = file.read_bytes()
    for place in range(100, len(whole), len(whole) // 8):  # benchmarks/damage.py flips each bit of the blocks
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        for ending in ("-wal", "-shm"):
            Path(f"{file}{ending}").unlink(missing_ok=True)
        file.write_bytes(damaged)
        try:
            with Cluster(3, storage=file) as cluster:
                assert [cluster.get(key) for key in range(8)] == [{"value": key} for key in range(8)]
        except StorageError as error:
            assert "class.db" in str(error)


def test_a_log_that_is_torn_anywhere_is_read_up_to_a_moment(tmp_path: Path) -> None:
    found = damage.torn(tmp_path, every=149)  # benchmarks/damage.py cuts at each byte
    assert found.total() > 50


def test_a_flipped_bit_among_blocks_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    found = damage.flipped(tmp_path, every=499)  # benchmarks/damage.py flips each bit
    assert found["refused"] > 50


def test_a_server_that_lost_its_disk_stays_without_a_vote_in_the_file(file: Path) -> None:
    with Cluster(3, storage=file) as cluster:
        cluster.put("x", 1)
        cluster.fail_process(2, "lost")
    with Cluster(3, storage=file) as cluster:
        assert cluster.get("x") == 1
        with cluster.look() as world:
            assert [world.disks[server].voter for server in world.servers] == [True, False, True]


def test_a_disk_that_cannot_be_written_stops_its_server_before_any_answer(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Cluster(3, storage=file) as cluster:
        cluster.put("x", 1)
        storage: Any = cluster._storage

        def full(batch: Any) -> Exception:
            return sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(storage, "_write", full)
        with pytest.raises(NoMajority):
            cluster.put("x", 2, timeout=1.0)
        assert any("cannot save (database or disk is full)" in error for error in cluster.errors)
        monkeypatch.undo()
        cluster.heal()
        cluster.put("x", 3, timeout=20)
        assert cluster.get("x", timeout=20) == 3
    assert "cannot save" in capsys.readouterr().err


def test_saves_that_wait_for_one_another_share_a_transaction(file: Path) -> None:
    with Cluster(3, storage=file) as cluster:
        cluster.put("x", 0)
        start = time.monotonic()
        for future in [cluster.put_async("x", value) for value in range(1_000)]:
            future.result(30)
        assert time.monotonic() - start < 20.0
