"""`ck index --watch`: what is seen of changes, and how soon; what it survives; how it ends."""
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from endpoint_cases import PROGRAM, check_stored, options
from server import Server
from world import CK, Failure, check, check_equal, source, tree, write

SECONDS = 30  # half of the time after which it looks by itself
PROMPT = 2.0


class Watch:
    """A running `ck index --watch`; what it writes is kept line by line."""

    def __init__(self, world, where, *arguments, how="--watch", json_lines=True, command=()):
        self.world, self.where = world, where
        words = [*command, CK, "-C", where, "index", how, *(["--json"] if json_lines else []), *arguments]
        self.process = subprocess.Popen(words, env=world.env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err, self.is_json = [], [], json_lines
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True) for pair in (
            (self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, lines):
        """In a thread."""
        for line in stream:
            lines.append(line.decode(errors="replace").rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill() if kind else self.end()
        self.process.wait()
        check(not any("ERROR: " in line for line in self.err), "\n".join(self.err))

    def wait(self, holds, what):
        """Waits until it holds; how long that took."""
        begun = time.monotonic()
        while not holds():
            if self.process.poll() is not None or time.monotonic() - begun > SECONDS:
                raise Failure(f"{what} did not come; exit {self.process.poll()}\n"
                              + "\n".join(self.out + self.err))
            time.sleep(0.01)
        return time.monotonic() - begun

    def ready(self):
        """Waits for the end of the first round."""
        self.wait(lambda: any('"watching ' in line if self.is_json else line.startswith("watching ")
                              for line in self.err), "the watch")

    def sees(self, what, files, **model):
        """The refs become those of the files, soon."""
        expected = self.world.expected(files, **model)
        took = self.wait(lambda: self.world.refs(self.where) == expected, what)
        if took > PROMPT * (3 if "asan" in CK else 1):  # what does another command take here, now?
            begun = time.monotonic()
            self.world.ck(self.where, "status")
            check(took < 20 * (time.monotonic() - begun), f"{what} took {took:.1f} s")

    def says(self, text, times=1):
        """Waits until stderr says it so often."""
        self.wait(lambda: sum(text in line for line in self.err) >= times, f"'{text}'")

    def end(self, sign=signal.SIGTERM, code=0):
        """Sends the signal; it ends with the code, at once."""
        begun = time.monotonic()
        self.process.send_signal(sign)
        check_equal(self.process.wait(SECONDS), code, f"exit code ({self.err})")
        for reader in self.readers:
            reader.join(SECONDS)
        check(time.monotonic() - begun < SECONDS, "it took long to end")

    def rests(self, seconds, holds, what):
        """It holds for so long, from some moment on: what was told last may not be all done yet."""
        for _ in range(10):
            before = holds()
            time.sleep(seconds)
            if holds() == before:
                return
        raise Failure(what)


def test_watch_sees_changes(world):
    files = tree("w")
    where = world.repository("one", files)
    path = lambda name: os.path.join(where, name)  # noqa: E731
    with Watch(world, where) as watch:
        watch.ready()
        world.check_refs(where, files)
        names = sorted(files)
        files[names[0]] = source("w saved")
        write(where, {names[0]: files[names[0]]})
        watch.sees("a save", files)
        files[names[1]] = source("w renamed")
        write(where, {".swap": files[names[1]]})
        os.rename(path(".swap"), path(names[1]))
        watch.sees("a save by rename", files)
        os.remove(path(names[2]))
        del files[names[2]]
        watch.sees("a deletion", files)
        files["new/deep/folder/a.c"] = source("w new folder")
        write(where, {"new/deep/folder/a.c": files["new/deep/folder/a.c"]})
        watch.sees("a file in a new folder", files)
        os.makedirs(path("empty/within"))
        time.sleep(0.5)
        files["empty/within/b.c"] = source("w empty folder")
        write(where, {"empty/within/b.c": files["empty/within/b.c"]})
        watch.sees("a file in a folder that was empty", files)
        os.rename(path("new"), path("moved"))
        files["moved/deep/folder/a.c"] = files.pop("new/deep/folder/a.c")
        watch.sees("a folder's new name", files)
        files["moved/deep/c.c"] = source("w in a moved folder")
        write(where, {"moved/deep/c.c": files["moved/deep/c.c"]})
        watch.sees("a file in a renamed folder", files)
        shutil.rmtree(path("moved"))
        files = {name: content for name, content in files.items() if not name.startswith("moved")}
        watch.sees("the deletion of a folder", files)
    rounds = [json.loads(line) for line in watch.out]
    check_equal(rounds[0]["files"], 8, "files of the first round")
    check(all(r["indexed"] + r["gone"] > 0 for r in rounds), "a round that did nothing was told")


def test_watch_and_git(world):
    files = tree("wg")
    where = world.repository("main", files)
    world.git(where, "checkout", "-q", "-b", "other")
    other = {**files, "src/part0/file0.c": source("other"), "only/here.c": source("only here")}
    write(where, other)
    world.git(where, "add", "src", "only")
    world.git(where, "commit", "-q", "-m", "other")
    world.git(where, "checkout", "-q", "main")
    linked = world.path("linked")
    world.git(where, "worktree", "add", "-q", "--detach", linked, "main")
    world.init(linked)
    for place in (where, linked):
        with Watch(world, place) as watch:
            watch.ready()
            world.git(place, "checkout", "-q", "--detach", "other")
            watch.sees("another branch", other)
            world.git(place, "checkout", "-q", "--detach", "main")
            watch.sees("the branch before", files)
            kept = dict(files)
            write(place, {".gitignore": "*.log\n"})
            kept[".gitignore"] = b"*.log\n"
            watch.sees("a .gitignore", kept)
            write(place, {"notes.log": "ignored notes\n"})
            time.sleep(0.5)
            world.check_refs(place, kept)
            world.git(place, "add", "-f", "notes.log")
            watch.sees("an ignored file that was added", {**kept, "notes.log": b"ignored notes\n"})
            world.git(place, "rm", "-q", "--cached", "notes.log")
            watch.sees("its removal from git's index", kept)
            os.remove(os.path.join(place, ".gitignore"))
            watch.sees("what was ignored", {**files, "notes.log": b"ignored notes\n"})
            os.remove(os.path.join(place, "notes.log"))


def test_watch_bursts_and_rest(world):
    files = tree("wb", 40)
    where = world.repository("one", files)
    with Watch(world, where) as watch:
        watch.ready()
        times = []
        for i in range(60):
            files[f"burst/{i}.c"] = source(f"wb burst {i}", 1)
            write(where, {f"burst/{i}.c": files[f"burst/{i}.c"]})
            times.append(time.monotonic())
            time.sleep(0.005)
        watch.sees("a burst", files)
        pauses = sum(b - a > 0.08 for a, b in zip(times, times[1:]))  # of ours
        rounds = 5 + pauses + int(times[-1] - times[0])
        check(len(watch.out) <= rounds, f"{len(watch.out) - 1} rounds of a burst of 60 files")
        # While nothing happens nothing is done, and nothing written.
        watch.rests(2, lambda: cpu_ticks(watch.process.pid) // 3, "it works though nothing changes")
        changed = world.value("SELECT value FROM ck_stats WHERE name = 'seq'")
        time.sleep(1)
        check_equal(world.value("SELECT value FROM ck_stats WHERE name = 'seq'"), changed, "seq")
        n_rounds = len(watch.out)
        os.utime(os.path.join(where, "burst/0.c"))
        time.sleep(0.7)
        check_equal(len(watch.out), n_rounds, "rounds after a file was touched")
        world.check_refs(where, files)


def cpu_ticks(pid):
    """What a process has used of the processor, in hundredths of a second."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))


def test_watch_ends_with_signals(world):
    files = tree("ws")
    where = world.repository("one", files)
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Watch(world, where, json_lines=False) as watch:
            watch.ready()
            watch.end(sign)
    with Server(delay=0.3) as server:
        with Watch(world, where, *options(server), json_lines=False) as watch:
            watch.wait(lambda: server.requests > 0, "a request")
            watch.end()
            check(any("interrupted" in line for line in watch.err), "\n".join(watch.err))
        check_equal(world.value("SELECT count(*) FROM ck_leases"), 0, "leases left")
        world.index(where, *options(server))
        check_stored(world, where, files)
    # Who reads its lines goes away: so does it.
    process = world.start(where, "index", "--watch", "--json")
    process.stdout.readline()
    process.stdout.close()
    write(where, {"x.c": source("ws x")})
    check_equal(process.wait(SECONDS), 0, f"exit code ({process.stderr.read()})")


def test_watch_survives_failures(world):
    files = tree("wf")
    where = world.repository("one", files)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = ("--model", "m", "--endpoint", f"http://127.0.0.1:{port}")
    with Watch(world, where, *model, json_lines=False) as watch:
        watch.says("tried again")  # nobody listens there
        with Server(port=port):
            watch.says("works again")
            check_stored(world, where, files)
            check_equal(sum(f"127.0.0.1:{port}" in line for line in watch.err), 1, "failures said")
            # Another run holds the workspace; config.toml is being edited.
            with open(os.path.join(where, ".ck", "workspace"), encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                files["a.c"] = source("wf a")
                write(where, {"a.c": files["a.c"]})
                watch.says("another 'ck index' is at work")
            watch.says("works again", 2)
            check_stored(world, where, files)
            config = os.path.join(where, ".ck", "config.toml")
            with open(config, encoding="utf-8") as file:
                text = file.read()
            write(where, {".ck/config.toml": "base = \n"})
            watch.says("config.toml:1")
            write(where, {".ck/config.toml": text})
            watch.says("works again", 3)
            # The store is busy for a moment: that is waited for.
            db = world.store()
            db.execute("BEGIN IMMEDIATE")
            files["b.c"] = source("wf b")
            write(where, {"b.c": files["b.c"]})
            time.sleep(1)
            db.execute("ROLLBACK")
            db.close()
            watch.sees("what changed while the store was busy", files, model="m", version="-;24;-;-;-")
            check_equal(sum("works again" in line for line in watch.err), 3, "failures")
        while os.path.exists(where):  # into which it may just be writing
            shutil.rmtree(where, ignore_errors=True)
        check_equal(watch.process.wait(SECONDS), 3, "exit code once the folder is gone")


def test_watch_keeps_the_program(world):
    files = tree("wp", 3)
    where = world.repository("one", files)
    program = world.path("embed")
    write(world.folder, {"embed": PROGRAM % (os.path.dirname(os.path.abspath(__file__)),
                                             world.path("log"))})
    os.chmod(program, 0o755)
    begun = f"open({world.path('starts')!r}, 'a').write('x')\n"
    with open(program, "a+", encoding="utf-8") as file:
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        file.truncate(0)
        file.write("".join(lines[:4]) + begun + "".join(lines[4:]))
    with Watch(world, where, "--model", "m", "--embed-cmd", program) as watch:
        watch.ready()
        for i in range(3):
            files["a.c"] = source(f"wp {i}")
            write(where, {"a.c": files["a.c"]})
            watch.sees("a save", files, model="m", version="-;24;-;-;-")
    check_equal(os.path.getsize(world.path("starts")), 1, "starts of the program")


def test_watch_by_looking(world):
    files = tree("wl", 5)
    where = world.repository("one", files)
    limited = ["unshare", "-Ur", "sh", "-c",
               "echo 3 >/proc/sys/user/max_inotify_watches && exec \"$@\"", "sh"]
    possible = subprocess.run([*limited, "true"], capture_output=True, check=False).returncode == 0
    for how, why, command in (("--watch=poll", "--watch=poll", ()),
                              ("--watch", "fs.inotify.max_user_watches", limited)):
        if command and not possible:
            continue
        with Watch(world, where, how=how, command=command) as watch:
            watch.ready()
            watch.says(f"by looking every 2 seconds or less often ({why}")
            for i in range(2):
                files["sub/new.c"] = source(f"wl {how} {i}")
                write(where, {"sub/new.c": files["sub/new.c"]})
                watch.wait(lambda: world.refs(where) == world.expected(files), "a save")
            watch.rests(3, lambda: len(watch.out), "there are rounds while nothing changes")
    return None if possible else "unshare(1) may not limit inotify here"


def test_watch_usage(world):
    where = world.repository("one", tree("wu", 2))
    check("--watch must be yes|no|poll" in world.ck(where, "index", "--watch=maybe", expect=2).err, "")
    check("both write" in world.ck(where, "index", "--watch", "--manifest", "-", expect=2).err, "")
    world.ck(where, "index", "--watch=no")
    outside = world.ck(world.folder, "index", "--watch", expect=3)
    check("belongs to no workspace" in outside.err, outside.err)
    said = world.ck(where, "index", "--watch", "--model", "m", expect=2)  # which nobody could mend
    check("model 'm' is not built in" in said.err, said.err)
