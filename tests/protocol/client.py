"""A client of the indexing protocol: it runs the statements of sql/protocol.sql, and no others.

    client = Client(connect(path), "model", "1", embed)
    workspace, root = client.resolve("/src/project/lib")
    client.index(workspace, Folder(root).walk(below="lib/"), below="lib/")

A walk yields (path, content), the path relative to the root; a content of None says that the file,
or folder, could not be read. embed(contents) returns a vector for each of them.
"""
import os
import re
import sqlite3
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXTENSION = os.environ.get("CK", os.path.join(ROOT, "build", "ck"))
BATCH_FILES = 16
BUSY_TIMEOUT_S = 60.0  # what needs milliseconds is done by then, on any machine


class Released(Exception):
    """The workspace was released during the run, or was never registered."""


def connect(path, timeout=BUSY_TIMEOUT_S):
    """A connection with ck loaded, in autocommit mode."""
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(EXTENSION)
    db.enable_load_extension(False)
    return db


def read_sections(path):
    """The statements of each section of an SQL file, {name: [statement, …]}."""
    with open(path, encoding="utf-8") as file:
        parts = re.split(r"^-- name: (\w+)\n", file.read(), flags=re.MULTILINE)
    sections = {}
    for name, text in zip(parts[1::2], parts[2::2]):
        statements, statement = [], ""
        for line in text.splitlines(keepends=True):
            if not statement and (line.startswith("--") or not line.strip()):
                continue
            statement += line
            if sqlite3.complete_statement(statement):
                statements.append(statement)
                statement = ""
        assert not statement, f"{path}: {name} ends in the middle of a statement"
        sections[name] = statements
    return sections


SECTIONS = read_sections(os.path.join(ROOT, "sql", "protocol.sql"))


class Folder:
    """A tree of files on disk. read and scan may be replaced, to fail."""

    def __init__(self, root, leave_out=()):
        self.root = root
        self.leave_out = set(leave_out)  # roots of nested workspaces

    def read(self, path):
        """The bytes of a file."""
        with open(path, "rb") as file:
            return file.read()

    def scan(self, path):
        """The entries of a folder."""
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)

    def walk(self, below=""):
        """Yields (path, content or None) of all that is in the folder `below`."""
        try:
            entries = self.scan(os.path.join(self.root, below))
        except OSError:
            yield below.rstrip("/"), None
            return
        for entry in entries:
            path = below + entry.name
            if entry.is_symlink() or entry.path in self.leave_out:
                continue
            if entry.is_dir():
                yield from self.walk(path + "/")
            elif entry.is_file():
                try:
                    yield path, self.read(entry.path)
                except OSError:
                    yield path, None


class Report:
    """What a run did."""

    def __init__(self):
        self.files = self.failed = self.chunks = self.embedded = self.rounds = self.swept = 0


class Client:
    """Indexes with one connection. host is the name of this machine. on_wait is called with the
    seconds each BEGIN IMMEDIATE took, on_idle before each statement outside a transaction."""

    def __init__(self, db, model, version, embed, host=None, on_wait=None, on_idle=None):
        self.db = db
        self.names = {"model": model, "version": version, "host": host}
        self.embed = embed
        self.on_wait = on_wait or (lambda seconds: None)
        self.on_idle = on_idle or (lambda: None)
        self.uuid = None  # of the workspace of the last run
        self._section("tables")

    def resolve(self, folder):
        """(workspace, its root) of a folder, or None."""
        rows = self._section("resolve", folder=folder)
        return (rows[0][0], rows[0][2]) if rows else None

    def nested(self, workspace):
        """The roots of the workspaces inside a workspace."""
        return [row[0] for row in self._section("nested", workspace=workspace)]

    def index(self, workspace, walk, below="", batch_files=BATCH_FILES):
        """One run. A walk that raises ends it without a sweep."""
        report = Report()
        rows = self._section("begin", workspace=workspace)
        if not rows:
            raise Released(workspace)
        self.uuid = rows[0][0]
        run = {"workspace": workspace, "uuid": self.uuid, "below": below}
        in_batch = 0
        for path, content in walk:
            if content is None:
                self._section("unreadable", path=path)
                report.failed += 1
                continue
            self._section("read", path=path, content=content)
            report.files += 1
            in_batch += 1
            if in_batch == batch_files:
                self._batch(run, report)
                in_batch = 0
        self._batch(run, report)
        if report.files or below:  # a root without files is rather a missing mount
            report.swept = self._section("sweep", **run)[1][0]
        self._section("end", **run)
        return report

    def _batch(self, run, report):
        report.chunks += self.db.execute("SELECT count(*) FROM batch_chunk").fetchone()[0]
        while True:
            report.rounds += 1
            self._section("round", **run)
            misses = self._section("misses")
            if not misses:
                break
            vectors = self.embed([content for _, content in misses])
            for (key, _), vector in zip(misses, vectors):
                self._section("embedded", hash=key, vector=vector)
            report.embedded += len(misses)
        self._section("next")

    def _section(self, name, **parameters):
        """Runs a section; all rows of it. Raises Released when it says that we are no longer
        registered."""
        rows = []
        parameters.update(self.names)
        try:
            for statement in SECTIONS[name]:
                if not self.db.in_transaction:
                    self.on_idle()
                started = time.monotonic()
                cursor = self.db.execute(statement, parameters)
                rows += cursor.fetchall()
                if statement.startswith("BEGIN"):
                    self.on_wait(time.monotonic() - started)
                if statement.startswith("SELECT changes() AS registered") and rows[-1] == (0,):
                    raise Released(parameters["workspace"])
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        return rows
