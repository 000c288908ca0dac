"""The manifest: one SQLite file that knows what a run is and which of its shards are done.

One process writes it, and holds it locked for as long as it has it open; a second one is refused. A shard is done when its
row is here, with the images that were passed by in it, all in one transaction behind the synced file.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.jobs.plan import Plan, differences
from seethrough.jobs.store import Written
from seethrough.jobs.work import Passed

NAME = "manifest.sqlite"

OURS = 0x53746872
"""SQLite's number for whose file it is: “Sthr”."""

VERSION = 1
"""Of the folder's format."""

TABLES = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE images (number INTEGER PRIMARY KEY, name TEXT NOT NULL, mark TEXT NOT NULL);
CREATE TABLE shards (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT NOT NULL, batch INTEGER NOT NULL);
CREATE TABLE passed (item INTEGER PRIMARY KEY, name TEXT NOT NULL, reason TEXT NOT NULL);
"""

BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
FULL = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")


class Manifest:
    """A run's manifest, open and locked; `opened` and `begun` give one."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection, self.folder = connection, folder

    @property
    def plan(self) -> Plan:
        """What the run is."""
        rows = self._ask("SELECT name, mark FROM images ORDER BY number")
        return Plan(self._said("plan"), tuple(name for name, _ in rows), tuple(mark for _, mark in rows))

    @property
    def digest(self) -> str:
        """The plan's."""
        return str(self._said("digest"))

    @property
    def batch(self) -> int | None:
        """Images at once, once that is settled."""
        return self._said("batch")

    def settle_batch(self, batch: int) -> None:
        """Keep the number of images at once, so that a run that goes on gives the same numbers."""
        if batch != self.batch:
            self._change([("INSERT OR REPLACE INTO run VALUES ('batch', ?)", (json.dumps(batch),))])

    @property
    def done(self) -> dict[int, Written]:
        """Shards that are written, by number."""
        return {row[0]: Written(*row) for row in self._ask("SELECT number, size, sha256 FROM shards ORDER BY number")}

    @property
    def passed(self) -> tuple[Passed, ...]:
        """Images that were passed by, in order."""
        return tuple(Passed(*row) for row in self._ask("SELECT item, name, reason FROM passed ORDER BY item"))

    def record(self, written: Written, passed: Sequence[Passed], batch: int) -> None:
        """A shard is done."""
        shard = (written.number, written.size, written.sha256, batch)
        rows = [("INSERT INTO passed VALUES (?, ?, ?)", (p.item, _text(p.name), _text(p.reason))) for p in passed]
        self._change([*rows, ("INSERT INTO shards VALUES (?, ?, ?, ?)", shard)])

    def write_plan(self, plan: Plan) -> None:
        """Begin a run."""
        images = [(i, _text(name), mark) for i, (name, mark) in enumerate(zip(plan.names, plan.marks))]
        said = [("plan", json.dumps(plan.said)), ("digest", json.dumps(plan.digest))]
        with _spoken(self.folder), self._transaction():
            for statement in filter(str.strip, TABLES.split(";")):
                self._connection.execute(statement)
            self._connection.executemany("INSERT INTO images VALUES (?, ?, ?)", images)
            self._connection.executemany("INSERT INTO run VALUES (?, ?)", said)
            self._connection.execute(f"PRAGMA application_id = {OURS}")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def whole(self) -> bool:
        """Whether SQLite finds its own file in order."""
        return self._ask("PRAGMA quick_check") == [("ok",)]

    def _said(self, key: str) -> Any:
        found = self._ask("SELECT value FROM run WHERE key = ?", (key,))
        return json.loads(found[0][0]) if found else None

    def _ask(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with _spoken(self.folder):
            return self._connection.execute(query, values).fetchall()

    def _change(self, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        with _spoken(self.folder), self._transaction():
            for statement, values in statements:
                self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


@contextmanager
def begun(folder: Path, plan: Plan) -> Iterator[Manifest]:
    """The manifest of a run to be done: begun here, or taken up again where it is the very same one.

    Raises
    ------
    UsageError
        Where the folder holds another run; says what is different.
    InputRefused
        Where it holds no run of this format.
    EnvironmentLacks
        Where another process writes it, or the system refuses.
    """
    with _connected(folder) as connection:
        manifest = Manifest(connection, folder)
        if _is_new(connection, folder):
            manifest.write_plan(plan)
        elif manifest.digest != plan.digest:
            told = "; ".join(differences(manifest.plan, plan)) or "its record is another one"
            raise UsageError(f"The folder {str(folder)!r} holds another run: {told}. Name a new folder, or this run's.")
        yield manifest


@contextmanager
def opened(folder: Path) -> Iterator[Manifest]:
    """The manifest of a run that is there.

    Raises
    ------
    InputRefused
        Where there is none, or of another format.
    EnvironmentLacks
        Where another process writes it, or the system refuses.
    """
    if not (folder / NAME).is_file():
        raise InputRefused(f"The folder {str(folder)!r} holds no run ({NAME} isn't there); name the folder of one.")
    with _connected(folder) as connection:
        if _is_new(connection, folder):
            raise InputRefused(f"The run in {str(folder)!r} ended before it began; run its command again.")
        yield Manifest(connection, folder)


@contextmanager
def _connected(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / NAME
    readable = os.access(folder, os.W_OK)
    address = path.absolute().as_uri() + ("" if readable else "?mode=ro&immutable=1")
    with _spoken(folder):
        connection = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
    with closing(connection):
        with _spoken(folder):
            connection.execute("PRAGMA trusted_schema = OFF")
            if readable:
                # Locked from the first read on, until it is closed: this needs no shared memory, and ends with the process.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN EXCLUSIVE")
                connection.execute("COMMIT")
        yield connection


def _is_new(connection: sqlite3.Connection, folder: Path) -> bool:
    """Whether nothing was written yet.

    Raises
    ------
    InputRefused
        Where it is somebody else's file, or of another version of this format.
    """
    with _spoken(folder):
        (whose,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not whose:
        return True
    if whose != OURS:
        raise InputRefused(f"{folder / NAME} is no manifest of a run; name another folder.")
    if version != VERSION:
        raise InputRefused(
            f"The run in {str(folder)!r} has format {version}, and this version of Seethrough knows format {VERSION}; use the "
            "version that wrote it, or name a new folder."
        )
    return False


@contextmanager
def _spoken(folder: Path) -> Iterator[None]:
    """What SQLite says, in a sentence."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(BUSY):
            raise EnvironmentLacks(
                f"Another process is at work in {str(folder)!r}, and two would spoil it; wait for it, or name another folder."
            ) from error
        if name.startswith(FULL):
            raise EnvironmentLacks(
                f"The manifest in {str(folder)!r} can't be written: {error}; what is recorded in it stays as it is."
            ) from error
        raise InputRefused(f"{folder / NAME} is no manifest of a run, or a broken one: {error}.") from error


def _text(name: str) -> str:
    """Text that can be written; bytes of a file's name that are none are written out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
