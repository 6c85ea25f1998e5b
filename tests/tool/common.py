"""What the tests of the command share: a box is an empty folder in which ck is run.

    box.ck("init", "--base", "base")           runs it, in box.path; fails unless it exits with 0
    box.ck("doctor", exit=1, cwd=tree)         … with 1, in another folder
    box.json("cache", "stats")                 with --json, parsed
    box.sql("SELECT 1")                        rows of the store, as a list of objects
    box.terminal("cache", "stats")             what a terminal shows
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build/ck"
ASAN = ROOT / "build/asan/ck"
SNAPSHOTS = pathlib.Path(__file__).resolve().parent / "snapshots"
SECONDS = 300  # no command takes longer, however slow and busy the machine

refresh = False  # these three as tests/tool/run was told
full = False
seed = 1


class Skip(Exception):
    pass


def wait_until_caught(process, number):
    """Waits until a process has a handler for the signal, or ended."""
    status, deadline = f"/proc/{process.pid}/status", time.monotonic() + SECONDS
    while process.poll() is None:
        with open(status, encoding="utf-8") as file:
            caught = re.search(r"(?m)^SigCgt:\s*(\w+)", file.read())
        if caught and int(caught[1], 16) >> number - 1 & 1:
            return
        assert time.monotonic() < deadline, f"signal {number} is not caught"
        time.sleep(0.0005)


def release_only(function):
    function.release_only = True
    return function


class Box:
    def __init__(self, binary):
        self.binary = binary

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="ck-tool-")).resolve()
        self.env = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "CK_USER")}
        self.env.update(HOME=str(self.path), LC_ALL="C.UTF-8", TERM="xterm", GIT_CONFIG_NOSYSTEM="1",
                        GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.org",
                        GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.org")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def folder(self, *parts):
        path = self.path.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def git(self, *arguments, cwd):
        return subprocess.run(["git", "-c", "init.defaultBranch=main", *arguments], cwd=cwd,
                              env=self.env, check=True, capture_output=True, text=True,
                              timeout=SECONDS).stdout

    def run(self, *arguments, cwd=None, env=None, input=None, **more):
        """The finished process, whatever it exits with."""
        return subprocess.run([str(self.binary), *map(str, arguments)], cwd=cwd or self.path,
                              env={**self.env, **(env or {})}, input=input, capture_output=True,
                              text=not isinstance(input, bytes), timeout=SECONDS, **more)

    def ck(self, *arguments, exit=0, **more):
        """Its stdout. What is on stderr is in box.stderr."""
        done = self.run(*arguments, **more)
        self.stderr = done.stderr
        assert done.returncode == exit, (
            f"ck {' '.join(map(str, arguments))}: exit {done.returncode}, expected {exit}\n"
            f"stdout: {done.stdout}\nstderr: {done.stderr}")
        return done.stdout

    def json(self, *arguments, **more):
        return json.loads(self.ck(*arguments, "--json", **more))

    def sql(self, statement, **more):
        out = self.ck("sql", "--json", statement, **more)
        return json.loads(out) if out else []

    def fails(self, exit, message, *arguments, **more):
        """It exits so, prints nothing to stdout, and says this on stderr."""
        out = self.ck(*arguments, exit=exit, **more)
        assert out == "", f"printed {out!r}"
        assert message in self.stderr, f"{message!r} is not in {self.stderr!r}"

    def workspace(self, name="main", base="base"):
        """A new tree that is a workspace of the base."""
        tree = self.folder(name)
        self.ck("init", "--base", self.path / base, cwd=tree)
        return tree

    def fill(self, cwd, n=10, word="text", age=0, refs=0):
        """Stores n embeddings of a model of 8 dims, of which the first `refs` are referred to."""
        name = self.json("workspace", "show", cwd=cwd)["name"].replace("'", "''") if refs else ""
        key = f"ck_hash('m', '1', '{word} ' || value)"
        numbers = f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT {n}) "
        self.ck("sql", f"""
            BEGIN IMMEDIATE;
            {numbers} INSERT OR IGNORE INTO embeddings(model, version, content, vector)
            SELECT 'm', '1', '{word} ' || value, ck_embed('{word} ' || value, 8) FROM n;
            {numbers} UPDATE embeddings SET created_at = unixepoch() - {age},
                used_at = unixepoch() - {age} WHERE hash IN (SELECT {key} FROM n);
            {numbers} INSERT OR IGNORE INTO refs(workspace, path, chunk, start_line, end_line, hash)
            SELECT '{name}', '{word}' || value || '.c', 0, 1, 9, {key} FROM n WHERE value <= {refs};
            COMMIT""", cwd=cwd)

    def terminal(self, *arguments, cwd=None, env=None, keys=()):
        """What is shown on a terminal of 80 columns; keys are typed, a part at each prompt."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(cwd or self.path)
            command = [str(self.binary), *map(str, arguments)]
            os.execvpe(command[0], command, {**self.env, "COLUMNS": "80", **(env or {})})
        shown, parts, deadline = b"", list(keys), time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(fd, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            shown += data
            if parts and shown.endswith(b"> "):
                os.write(fd, parts.pop(0).encode())
        os.close(fd)
        self.exit = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return re.sub("\r+\n", "\n", shown.decode())


def snapshot(box, name, text):
    """Compares with tests/tool/snapshots/NAME.out, with what differs between runs made the same."""
    text = text.replace(str(box.path), "/box").replace("\033", "<ESC>")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r"now\b(?! a)|\b\d+ s ago", "NOW", text)
    text = re.sub(r"(?m)[ \t]+$", "", text)
    path = SNAPSHOTS / f"{name}.out"
    if refresh:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    expected = path.read_text() if path.exists() else ""
    assert text == expected, f"{path} differs:\n{text}"
