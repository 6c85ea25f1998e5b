"""What the tests of `ck index` share: a folder with a base, git repositories, the real binary, and what
the store must hold for a tree of files."""
import json
import os
import sqlite3
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CK = os.environ.get("CK_BIN", os.path.join(ROOT, "build", "asan", "ck"))
EXTENSION = os.path.join(ROOT, "build", "ck")
SECONDS = 300  # no command takes longer, however slow and busy the machine


class Failure(Exception):
    """A check that did not hold."""


def check(holds, what):
    """Fails the test unless it holds."""
    if not holds:
        raise Failure(what)


def check_equal(actual, expected, what):
    """Fails the test unless both are equal."""
    if actual != expected:
        raise Failure(f"{what} is {actual!r}, expected {expected!r}")


class Result:
    """How a run of ck ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="surrogateescape")
        self.err = done.stderr.decode(errors="surrogateescape")

    @property
    def json(self):
        """What it printed."""
        return json.loads(self.out)

    def __str__(self):
        return f"exit {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class World:
    """A folder of its own; its store is base/.ck/embeddings.db."""

    def __init__(self, folder):
        self.folder = folder
        self.uid = None  # ck is run as this user
        self.base = os.path.join(folder, "base")
        os.mkdir(self.base)
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("CK_", "GIT_", "XDG_")) and name != "CI"}
        self.env.update(HOME=folder, GIT_CONFIG_GLOBAL=os.path.join(folder, "gitconfig"),
                        GIT_CONFIG_SYSTEM="/dev/null", LC_ALL="C.UTF-8", NO_COLOR="1",
                        ASAN_OPTIONS="detect_leaks=1:exitcode=99", UBSAN_OPTIONS="halt_on_error=1")
        with open(os.path.join(folder, "gitconfig"), "w", encoding="utf-8") as file:
            file.write("[user]\n\tname = t\n\temail = t@example.org\n[init]\n\tdefaultBranch = main\n"
                       "[protocol \"file\"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n")

    def become(self, uid):
        """Runs ck as this user from now on; False when that user cannot run it."""
        self.give(self.folder, uid)
        done = subprocess.run([CK, "version"], user=uid, group=uid, extra_groups=[], env=self.env,
                              capture_output=True, check=False)
        self.uid = uid if done.returncode == 0 else None
        return done.returncode == 0

    def give(self, where, uid=None):
        """Gives a folder to the user that runs ck."""
        uid = self.uid if uid is None else uid
        for folder, _, names in os.walk(where):
            for name in [".", *names] if uid is not None else []:
                os.lchown(os.path.join(folder, name), uid, uid)

    def path(self, *parts):
        """A path in the folder."""
        return os.path.join(self.folder, *parts)

    def git(self, where, *arguments):
        """Runs git."""
        done = subprocess.run(["git", "-C", where, *arguments], env=self.env, capture_output=True,
                              timeout=SECONDS, check=False)
        check(done.returncode == 0, f"git {arguments}: {done.stderr.decode()}")
        return done.stdout

    def start(self, where, *arguments, env=None, **options):
        """Starts ck."""
        return subprocess.Popen([CK, "-C", where, *arguments], env={**self.env, **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def ck(self, where, *arguments, env=None, expect=0):
        """Runs ck; expect is its exit code, or None."""
        user = {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid else {}
        result = Result(subprocess.run(
            [CK, "-C", where, *arguments], **user, env={**self.env, **(env or {})}, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=SECONDS, check=False))
        if expect is not None and result.code != expect:
            raise Failure(f"ck {' '.join(arguments)}: {result}")
        check("ERROR: " not in result.err and "runtime error" not in result.err, result.err)
        return result

    def init(self, where, *arguments):
        """Makes a folder a workspace of the base."""
        self.ck(where, "init", "--base", self.base, "-q", *arguments)

    def index(self, where, *arguments, env=None, expect=0):
        """Runs ck index; what it says in JSON."""
        return self.ck(where, "index", "--json", *arguments, env=env, expect=expect).json

    def repository(self, name, files, commit=True):
        """A git repository with these files that is a workspace."""
        where = self.path(name)
        os.makedirs(where, exist_ok=True)
        self.git(where, "init", "-q")
        write(where, files)
        if commit:
            self.git(where, "add", "-A")
            self.git(where, "commit", "-q", "-m", "first")
        self.init(where)
        return where

    def store(self):
        """A connection to the store."""
        db = sqlite3.connect(os.path.join(self.base, ".ck", "embeddings.db"), timeout=30,
                             isolation_level=None)
        db.enable_load_extension(True)
        db.load_extension(EXTENSION)
        return db

    def value(self, sql, *arguments):
        """The first column of the first row."""
        db = self.store()
        try:
            row = db.execute(sql, arguments).fetchone()
            return row[0] if row else None
        finally:
            db.close()

    def workspace(self, where):
        """The name of the workspace of a folder."""
        return self.value("SELECT name FROM workspaces WHERE root = ?", os.path.realpath(where))

    def refs(self, where):
        """All refs of a workspace."""
        db = self.store()
        name = db.execute("SELECT name FROM workspaces WHERE root = ?",
                          (os.path.realpath(where),)).fetchone()[0]
        rows = db.execute("SELECT path, chunk, start_line, end_line, hash FROM refs "
                          "WHERE workspace = ? ORDER BY path, chunk", (name,)).fetchall()
        db.close()
        return rows

    def expected(self, files, model="lexical", version="1", prefix=""):
        """The refs of files: path as stored -> bytes."""
        db = self.store()
        rows = []
        for path, content in files.items():
            for chunk, first, last, text in db.execute(
                    "SELECT chunk, start_line, end_line, content FROM ck_chunks(?, ?)",
                    (content, path)).fetchall():
                data = text if isinstance(text, bytes) else text.encode()
                if model != "lexical":
                    data = prefix.encode() + data.decode(errors="replace").encode()
                key = db.execute("SELECT ck_hash(?, ?, ?)", (model, version, data)).fetchone()[0]
                rows.append((path, chunk, first, last, key))
        db.close()
        return sorted(rows)

    def check_refs(self, where, files, **model):
        """The workspace's refs are those of exactly these files, and each has its vector."""
        actual, expected = self.refs(where), self.expected(files, **model)
        if actual != expected:
            paths = {row[0] for row in actual} ^ {row[0] for row in expected}
            raise Failure(f"refs differ: {len(actual)} rows, expected {len(expected)}; "
                          f"paths in one only: {sorted(paths)[:10]}; "
                          f"rows: {[r for r in actual if r not in expected][:3]}")
        check_equal(self.value("SELECT count(*) FROM refs WHERE hash NOT IN "
                               "(SELECT hash FROM embeddings)"), 0, "dangling refs")


def write(where, files):
    """Writes files: path -> bytes or text."""
    for path, content in files.items():
        full = os.path.join(os.fsencode(where), os.fsencode(path))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())


def source(seed, n_functions=6):
    """A source file of some chunks that no other seed has."""
    return "".join(f"/* {seed}: number {i} */\nint f_{seed}_{i}(int a) {{\n"
                   + "".join(f"    a = a * {seed}{j} + {i};\n" for j in range(12))
                   + "    return a;\n}\n\n" for i in range(n_functions)).encode()


def tree(seed, n_files=8):
    """Some files."""
    return {f"src/part{i % 3}/file{i}.c": source(f"{seed}{i}") for i in range(n_files)}
