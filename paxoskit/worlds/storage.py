"""Where disks live: in memory, or in one SQLite file that survives the death of the process.

A server's save is one transaction, on the disk (`synchronous=FULL`) before any message of that turn leaves. Servers
that save at the same moment share a transaction. What is loaded is verified: every chain block by block, every other
field by its checksum. A file that fails is refused, with the place; nothing is ever cut off silently.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

from paxoskit.protocol.chain import Chain, ChainError, chain_of
from paxoskit.protocol.messages import Block
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Name, from_json, to_json

SCHEMA = 1

TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS disk (server INTEGER, field TEXT, value TEXT NOT NULL, checksum TEXT NOT NULL,
                                 PRIMARY KEY (server, field));
CREATE TABLE IF NOT EXISTS block (server INTEGER, height INTEGER, value TEXT NOT NULL, PRIMARY KEY (server, height));
"""


class StorageError(Exception):
    """A file cannot be used, or cannot be written now; one line says which, where, and what to do."""


class _Save:
    """One server's save that waits for its transaction."""

    def __init__(self, rows: list[tuple[str, tuple[Any, ...]]]) -> None:
        self.rows = rows
        self.done = False
        self.error: Exception | None = None


class FileStorage:
    """The disks of one cluster in the SQLite file `path`; `disks` are those that were there at the start.

    Only one cluster at a time may have the file open.

    Raises StorageError for a file that is no storage, is damaged, is open elsewhere, or belongs to another cluster.
    """

    def __init__(self, path: str | Path, classes: list[type[Node]], difficulty: int) -> None:
        self.path = Path(path)
        self.difficulty = difficulty
        self.classes = classes
        self.chains: dict[Name, Chain] = {}
        self.fields: dict[tuple[Name, str], str] = {}
        self.waiting: list[_Save] = []
        self.commit = threading.Lock()
        try:
            self.database = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=0.5)
        except sqlite3.Error as error:
            raise StorageError(f"{path}: cannot be opened as storage ({error})") from None
        try:
            self.incarnation = self._open()
            self.disks = self._load()
        except sqlite3.OperationalError as error:
            self.close()
            hint = ": is it open elsewhere?" if "locked" in str(error) else ""
            raise StorageError(f"{path}: cannot be opened as storage ({error}){hint}") from None
        except sqlite3.DatabaseError as error:
            self.close()
            raise StorageError(f"{path}: expected an SQLite file of paxoskit, {error}") from None
        except (ValueError, KeyError, TypeError) as error:
            self.close()
            raise StorageError(f"{path}: a record cannot be read, {error}") from None
        except StorageError:
            self.close()
            raise

    def _open(self) -> int:
        """Check that the file is this cluster's, and count its openings: session names are never used twice."""
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            self.database.execute(f"PRAGMA {pragma}")
        self.database.executescript(TABLES)
        mine = {"schema": str(SCHEMA), "servers": str(len(self.classes)), "difficulty": str(self.difficulty)}
        about = dict(self.database.execute("SELECT key, value FROM about"))
        for key, value in mine.items():
            if about.setdefault(key, value) != value:
                raise StorageError(f"{self.path}: holds a cluster with {key} {about[key]}, expected {value}")
        about["incarnation"] = str(int(about.get("incarnation", "0")) + 1)
        self.database.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())
        return int(about["incarnation"])

    def _load(self) -> dict[Name, Any]:
        """Return the disk of each server that ever saved one. Raises StorageError for a damaged record."""
        rows: dict[int, dict[str, Any]] = {}
        for server, name, value, checksum in self.database.execute("SELECT * FROM disk"):
            if sha256(value.encode()).hexdigest() != checksum:
                raise StorageError(f"{self.path}: {title(server)}, field {name}: the checksum is wrong")
            rows.setdefault(server, {})[name] = json.loads(value)
            self.fields[server, name] = value
        return {server: self._disk(server, fields) for server, fields in rows.items()}

    def _disk(self, server: int, fields: dict[str, Any]) -> Any:
        disk = self.classes[server - 1].Disk()
        for field in dataclasses.fields(disk):
            if field.name not in fields:
                raise StorageError(f"{self.path}: {title(server)} has saved no field {field.name}")
            default = getattr(disk, field.name)
            if isinstance(default, Chain):
                setattr(disk, field.name, self._chain(server, fields[field.name]["Chain"]))
            else:
                value = from_json(fields[field.name])
                setattr(disk, field.name, type(default)(value) if isinstance(default, (list, set)) else value)
        return disk

    def _chain(self, server: int, key: dict[str, Any]) -> Chain:
        query = "SELECT value FROM block WHERE server = ? AND height < ? ORDER BY height"
        texts = [text for (text,) in self.database.execute(query, (server, key["height"]))]
        try:
            blocks: list[Block] = [from_json(json.loads(text)) for text in texts]
            chain = self.chains[server] = chain_of(blocks, self.difficulty)
        except ChainError as error:
            raise StorageError(f"{self.path}: {title(server)}: {error.fault.says}") from None
        except ValueError as error:
            raise StorageError(f"{self.path}: {title(server)}: a block cannot be read, {error}") from None
        if (chain.height, chain.hash) != (key["height"], key["hash"]):
            raise StorageError(f"{self.path}: {title(server)}: expected {key['height']} blocks, found {chain.height}")
        return chain

    def save(self, name: Name, disk: Any) -> None:
        """Write what changed on a server's disk; when this returns, it is there. Raises StorageError if it is not."""
        save = _Save(self._rows(name, disk))
        self.waiting.append(save)
        with self.commit:
            if not save.done:
                batch, self.waiting = self.waiting, []
                error = self._write(batch)
                for each in batch:
                    each.done, each.error = True, error
        if save.error is not None:
            raise StorageError(f"{self.path}: {title(name)} cannot save ({save.error})") from None

    def _write(self, batch: list[_Save]) -> Exception | None:
        try:
            self.database.execute("BEGIN")
            for save in batch:
                for statement, values in save.rows:
                    self.database.execute(statement, values)
            self.database.execute("COMMIT")
        except sqlite3.Error as error:
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            self.fields.clear()  # what the file holds is not known any more: the next save writes all of it
            self.chains.clear()
            return error
        return None

    def _rows(self, name: Name, disk: Any) -> list[tuple[str, tuple[Any, ...]]]:
        rows: list[tuple[str, tuple[Any, ...]]] = []
        for field, value in vars(disk).items():
            if isinstance(value, Chain):
                rows += self._new_blocks(name, value)
            text = json.dumps(to_json(value), separators=(",", ":"))
            if self.fields.get((name, field)) != text:
                self.fields[name, field] = text
                checksum = sha256(text.encode()).hexdigest()
                rows.append(("INSERT OR REPLACE INTO disk VALUES (?, ?, ?, ?)", (name, field, text, checksum)))
        return rows

    def _new_blocks(self, name: Name, chain: Chain) -> list[tuple[str, tuple[Any, ...]]]:
        before, start = self.chains.get(name), 0
        shared = chain
        while before is not None and shared.height > before.height and shared.parent is not None:
            shared = shared.parent
        if before is not None and shared == before:
            start = before.height
        self.chains[name] = chain
        return [
            ("INSERT OR REPLACE INTO block VALUES (?, ?, ?)", (name, block.height, json.dumps(to_json(block))))
            for block in chain.from_height(start)
        ]

    def close(self) -> None:
        """Give the file back."""
        with self.commit:
            self.database.close()
