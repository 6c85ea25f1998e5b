"""Stores, a hub that they sync with, a directory of packs, and what may happen to them.

A world knows of each embedding where it was evicted, and of nothing else: everything that was put and
not evicted or retired must be everywhere in the end.
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "aging"))

from clock import Clock  # noqa: E402

EXTENSION = os.environ.get("CK", os.path.join(ROOT, "build", "ck"))
CLOCK = Clock()
DIMS = 8
CONTENTS = 40       # so many contents there are; each has one vector
DISPUTED = 4        # of these, each store has a vector of its own
HUB = "hub"


class Mismatch(Exception):
    """A check that did not hold."""


def check(condition, message):
    """Fails the run with a message unless the condition holds."""
    if not condition:
        raise Mismatch(message)


def vector_of(number, store):
    """The vector of a content; the disputed ones depend on who computes it."""
    rng = random.Random(f"{number} {store if number < DISPUTED else ''}")
    return struct.pack(f"<{DIMS}f", *(rng.gauss(0, 1) for _ in range(DIMS)))


class World:
    """Stores s0 … and the hub, in a folder."""

    def __init__(self, folder, rng, trace=False):
        self.folder = folder
        self.rng = rng
        self.trace = trace
        CLOCK.now = 1_700_000_000
        self.names = [f"s{i}" for i in range(rng.randint(2, 6))]
        self.remotes = ["hub"] + (["dir"] if rng.random() < 0.5 else [])
        self.evicted = {name: set() for name in [*self.names, HUB]}
        self.backups = {}
        self.mirrors = set()
        self.returned = set()
        self.has_lost_packs = False
        os.mkdir(self.path("packs"))
        mode = rng.choice(["wal", "delete"])
        for name in [*self.names, HUB]:
            db = self.connect(name)
            db.execute(f"PRAGMA journal_mode = {mode}").fetchall()
            db.execute("SELECT ck_init()")
            if name != HUB:
                self.prepare(db, name)
            db.close()

    def prepare(self, db, name):
        """The remotes of a store, its model and its workspace."""
        mirror = self.rng.random() < 0.2
        if mirror:
            self.mirrors.add(name)
        items = self.rng.choice([1, 3, 1000])
        db.execute("INSERT INTO ck_remotes(name, url, mirror, batch_items) VALUES (?, ?, ?, ?)",
                   ("hub", f"file:{self.path('hub.db')}", mirror, items))
        if "dir" in self.remotes:
            db.execute("INSERT INTO ck_remotes(name, url) VALUES (?, ?)",
                       ("dir", f"file:{self.path('packs')}/"))
        encoding = self.rng.choice(["f32", "f32", "f32+zstd", "f16"])
        db.execute("INSERT INTO models(model, version, dims, encoding) VALUES ('m', '1', ?, ?)",
                   (DIMS, encoding))
        db.execute("INSERT INTO workspaces(name, root, pinned) VALUES ('w', ?, 1)", (self.folder,))

    def path(self, name):
        """A file of the world."""
        return os.path.join(self.folder, name)

    def connect(self, name):
        """A connection to a store, in autocommit mode, with the world's clock."""
        db = sqlite3.connect(CLOCK.uri(self.path(name + ".db")), uri=True, timeout=60,
                             isolation_level=None)
        db.enable_load_extension(True)
        db.load_extension(EXTENSION)
        return db

    def say(self, text):
        """What happens, for --trace."""
        if self.trace:
            print("    " + text, flush=True)

    # What is in a store.

    def hashes(self, name):
        """The hashes that a store has."""
        db = self.connect(name)
        rows = {row[0] for row in db.execute("SELECT hash FROM embeddings")}
        db.close()
        return rows

    def any_store(self):
        """One of the stores, not the hub."""
        return self.rng.choice(self.names)

    # What may happen. Each takes a store's name.

    def put(self, name):
        """Some embeddings are computed and put."""
        db = self.connect(name)
        numbers = [self.rng.randrange(CONTENTS) for _ in range(self.rng.randint(1, 8))]
        self.say(f"{name} puts {numbers}")
        for number in numbers:
            db.execute("SELECT ck_put('m', '1', ?, ?)", (f"c{number}", vector_of(number, name)))
        db.close()

    def refer(self, name):
        """The workspace refers to some of what is stored."""
        db = self.connect(name)
        self.say(f"{name} refers")
        db.execute("INSERT OR REPLACE INTO refs(workspace, path, chunk, hash) "
                   "SELECT 'w', 'p' || hex(substr(hash, 1, 1)), 0, hash FROM embeddings "
                   "ORDER BY hash LIMIT 5 OFFSET ?", (self.rng.randrange(20),))
        db.close()

    def release(self, name):
        """Some refs go."""
        db = self.connect(name)
        self.say(f"{name} releases")
        db.execute("DELETE FROM refs WHERE workspace = 'w' AND path < 'p' || ?",
                   (self.rng.choice("048C"),))
        db.close()

    def evict(self, name, how=None):
        """What nobody refers to is deleted, or collected, here only."""
        name = self.rng.choice([name, name, HUB])
        before = self.hashes(name)
        db = self.connect(name)
        if self.rng.random() < 0.5:
            self.say(f"{name} evicts")
            db.execute("DELETE FROM embeddings WHERE refs = 0 AND rowid % 3 = ?",
                       (self.rng.randrange(3),))
        else:
            self.say(f"{name} collects garbage")
            CLOCK.now += 2
            db.execute("SELECT ck_gc(1)").fetchall()
        db.close()
        self.evicted[name] |= before - self.hashes(name)

    def retire(self, name):
        """A store, or the hub, says that some hashes are needed nowhere; whoever needs one puts it
        back, for all."""
        name = self.rng.choice([name, HUB])
        CLOCK.now += 1
        db = self.connect(name)
        rows = db.execute("SELECT hash FROM embeddings ORDER BY hash LIMIT 3 OFFSET ?",
                          (self.rng.randrange(20),)).fetchall()
        if rows:
            said = db.execute("SELECT ck_retire(?)", (b"".join(r[0] for r in rows),)).fetchone()
            self.say(f"{name} retires: {said[0][:60]}")
        CLOCK.now += 1
        db.close()

    def sync(self, name):
        """A push, a pull, or both."""
        call = self.rng.choice(["push", "pull", "sync", "sync"])
        remote = self.rng.choice(self.remotes)
        self.say(f"{name}: ck_{call}('{remote}')")
        db = self.connect(name)
        try:
            said = db.execute(f"SELECT ck_{call}(?)", (remote,)).fetchone()[0]
            self.say(f"  {said}")
        except sqlite3.OperationalError as error:
            # A pull before anybody has pushed.
            check("ck-packs.json is not there" in str(error), f"ck_{call}('{remote}'): {error}")
        db.close()

    def retire_and_sync(self, name):
        """What is retired is not back with the next sync, unless the hub needs it."""
        CLOCK.now += 1
        db = self.connect(name)
        rows = [row[0] for row in db.execute("SELECT hash FROM embeddings ORDER BY hash LIMIT 4")]
        states = json.loads(db.execute("SELECT ck_retire(?)", (b"".join(rows),)).fetchone()[0])
        retired = {bytes.fromhex(s["hash"]) for s in states if s["state"] == "retired"}
        said = json.loads(db.execute("SELECT ck_sync('hub')").fetchone()[0])
        db.close()
        CLOCK.now += 1
        back = retired & self.hashes(name)
        self.say(f"{name} retires {len(retired)} and syncs: {said}")
        check(not back or said["push_rejected"], f"{name}: {len(back)} retired ones are back")

    def replace_remote(self, name):
        """The remote's row is written anew, and nothing of it is remembered."""
        self.say(f"{name} replaces its remote")
        db = self.connect(name)
        db.execute("INSERT OR REPLACE INTO ck_remotes(name, url, mirror) "
                   "SELECT name, url, mirror FROM ck_remotes WHERE name = 'hub'")
        db.close()

    def switch_mirror(self, name):
        """The hub becomes a mirror, or is none any more."""
        db = self.connect(name)
        db.execute("UPDATE ck_remotes SET mirror = 1 - mirror WHERE name = 'hub'")
        on = db.execute("SELECT mirror FROM ck_remotes WHERE name = 'hub'").fetchone()[0]
        self.say(f"{name}: mirror = {on}")
        self.mirrors = self.mirrors | {name} if on else self.mirrors - {name}
        db.close()

    def get(self, name):
        """Some hashes are asked for, of which some nobody has."""
        wanted = sorted(self.hashes(HUB))[:5] + [b"\1" * 32]
        db = self.connect(name)
        said = json.loads(db.execute("SELECT ck_pull(NULL, ?)", (b"".join(wanted),)).fetchone()[0])
        here = self.hashes(name)
        check(said["missing"] == sum(h not in here for h in wanted), f"ck_pull says {said}")
        self.say(f"{name} asks for {len(wanted)}: {said['pulled']} came")
        db.close()

    def crash(self, name):
        """A process dies at one of the statements of a push, a pull, a collection or a claim."""
        sql = self.rng.choice(["SELECT ck_sync('hub')", "SELECT ck_push('hub')",
                               "SELECT ck_pull('hub')", "SELECT ck_gc(1)",
                               "SELECT ck_claim(randomblob(64), 'me', 60)",
                               f"SELECT ck_sync('{self.remotes[-1]}')"])
        at = int(2 ** self.rng.uniform(0, 8))
        before = self.hashes(name)
        pid = os.fork()
        if pid == 0:
            self.die_at(name, sql, at)
        _, status = os.waitpid(pid, 0)
        self.say(f"{name} dies at statement {at} of {sql}: "
                 f"{'killed' if os.WIFSIGNALED(status) else 'it had ended'}")
        self.evicted[name] |= before - self.hashes(name)

    def die_at(self, name, sql, at):
        """In a process of its own: never returns."""
        left = [at]

        def count(_):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            db = self.connect(name)
            db.set_trace_callback(count)
            db.execute(sql).fetchall()
        except sqlite3.Error:
            pass
        finally:
            os._exit(0)

    def jump(self, _):
        """The clock is set, forward or back."""
        CLOCK.now += self.rng.choice([-100_000, -60, 60, 3_600, 100_000])
        self.say(f"it is {CLOCK.now}")

    def back_up(self, _):
        """A copy of some store is put aside."""
        name = self.rng.choice([self.any_store(), HUB, HUB])
        self.say(f"{name} is backed up")
        db = self.connect(name)
        copy = sqlite3.connect(self.path("backup-" + name))
        db.backup(copy)
        copy.close()
        db.close()
        self.backups[name] = set(self.evicted[name])

    def restore(self, _):
        """A backup takes the place of the store: in the same file, or as another one."""
        if not self.backups:
            return
        name = self.rng.choice(sorted(self.backups))
        path, inplace = self.path(name + ".db"), self.rng.random() < 0.5
        self.say(f"{name} is restored {'in place' if inplace else 'as another file'}")
        before = self.hashes(name)
        for suffix in ("-wal", "-shm", "-journal"):
            if os.path.exists(path + suffix):
                os.remove(path + suffix)
        if inplace:
            with open(self.path("backup-" + name), "rb") as source, open(path, "wb") as to:
                to.write(source.read())
        else:
            shutil.copy(self.path("backup-" + name), path + ".new")
            os.replace(path + ".new", path)
        # What only this store had, and had not sent, is lost with it; what it sent is elsewhere.
        self.evicted[name] = set(self.backups[name])
        # What was evicted here after the backup is back, under its old seqs: a store that has read
        # the feed in between need not see it, and can get it by its hash.
        if name == HUB:
            self.returned |= self.hashes(name) - before

    def damage(self, _):
        """A pack in the directory is damaged, cut short, doubled, or lost; later it is as it was."""
        folder = self.path("packs")
        packs = sorted(f for f in os.listdir(folder) if f.endswith(".ckpack"))
        if not packs:
            return
        path = os.path.join(folder, self.rng.choice(packs))
        with open(path, "rb") as file:
            sound = file.read()
        how = self.rng.choice(["flip", "cut", "double", "lose"])
        self.say(f"{os.path.basename(path)}: {how}")
        if how == "double":
            shutil.copy(path, path.replace(".ckpack", "-again.ckpack"))
            return
        if how == "lose":
            os.remove(path)
            self.has_lost_packs = True
            return
        at = self.rng.randrange(len(sound))
        bad = sound[:at] if how == "cut" else sound[:at] + bytes([sound[at] ^ 64]) + sound[at + 1:]
        with open(path, "wb") as file:
            file.write(bad)
        name = self.any_store()
        db = self.connect(name)
        db.execute("SELECT ck_pull('dir')").fetchall()
        db.close()
        with open(path, "wb") as file:
            file.write(sound)

    def messages(self, name):
        """The steps in SQL: batches of the hub come twice, out of order, cut short and damaged."""
        hub = self.connect(HUB)
        packs = [row[0] for row in hub.execute(
            "SELECT ck_pack(seq - 1, 3) FROM embeddings ORDER BY seq")]
        hub.close()
        if not packs:
            return
        self.rng.shuffle(packs)
        db = self.connect(name)
        for pack in packs[:4] + packs[:2]:
            at = self.rng.randrange(len(pack))
            bad = self.rng.choice([pack[:at], pack[:at] + bytes([pack[at] ^ 4]) + pack[at + 1:]])
            if bad:
                try:
                    db.execute("SELECT count(*), sum(length(vector)) FROM ck_unpack(?)",
                               (bad,)).fetchall()
                    raise Mismatch("a damaged pack was read")
                except sqlite3.DatabaseError as error:
                    check("ck_unpack" in str(error), f"ck_unpack: {error}")
            db.execute("INSERT OR IGNORE INTO embeddings(hash, model, version, vector, origin) "
                       "SELECT hash, model, version, vector, origin FROM ck_unpack(?) "
                       "WHERE op = 'put'", (pack,))
        self.say(f"{name} takes packs by hand")
        db.close()

    def step(self):
        """Something happens."""
        what = self.rng.choice([self.put] * 5 + [self.sync] * 6 + [self.crash] * 3 + [
            self.refer, self.refer, self.release, self.evict, self.retire,
            self.retire_and_sync, self.replace_remote, self.switch_mirror, self.get, self.jump,
            self.back_up, self.restore, self.messages]
            + ([self.damage] * 2 if "dir" in self.remotes else []))
        what(self.any_store())
