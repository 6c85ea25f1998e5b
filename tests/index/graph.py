"""Random operations on stores with graphs, and searches through these held against brute force.

With an ef of at least the number of nodes a search walks the whole graph, since every node can be
reached: it must return exactly what comparing everything does (`recall = 1`), rows, distances and
order. Other searches have a recall, of which there is a floor.

The operations come from two connections of this process, one that has the store attached beside
another one, and a process of its own, which runs this file and is told what to do.
"""
import json
import os
import random
import sqlite3
import subprocess
import sys
import time

import graph_ops
from graph_ops import ACTIONS, MODELS, WORKSPACES, Client, Maker, check_doctor, put
from store import Mismatch, check, check_rows, orphans, pack, value

EF_ALL = 5000  # more than any model here has nodes
RECALL_FLOOR = 0.95


def has_graph(client, model):
    """Whether the model's index has a graph, not too many of whose nodes may be dead."""
    row = client.sql(
        "SELECT g.nodes FROM S_index AS i JOIN S_graph AS g ON g.model = i.model AND "
        "g.generation = i.generation WHERE i.model = (SELECT id FROM S_model WHERE name = ?)", model)
    dead = sum(bin(byte).count("1") for (bits,) in client.sql("SELECT bits FROM S_stale")
               for byte in bits[:-8])
    return bool(row) and dead * 3 < row[0][0]


def filter_of(client, rng, limit):
    """Terms of SQL, and their arguments. `limit` is a distance that some are within."""
    terms, arguments = [], []
    client.sql("DELETE FROM temp.wanted")
    if rng.random() < 0.2:
        names = rng.sample(WORKSPACES, rng.choice([1, 2]))
        terms.append(f"workspace IN ({', '.join('?' * len(names))})")
        arguments += names
    if rng.random() < 0.2:
        client.sql("INSERT INTO temp.wanted SELECT hash, rowid FROM T_embeddings WHERE "
                   "abs(random()) % 100 < ?", rng.choice([1, 20, 80]))
        terms.append("hash IN (SELECT w.hash FROM temp.wanted AS w)")
    if rng.random() < 0.2:
        terms.append(f"rowid IN (SELECT rowid FROM {client.prefix}embeddings WHERE rowid % ? = 0)")
        arguments.append(rng.choice([1, 2, 30]))
    if rng.random() < 0.2 and limit is not None:
        terms.append(rng.choice(["distance < ?", "distance <= ?"]))
        arguments.append(limit)
    return terms, arguments


def knn(client, query, k, terms, arguments):
    """[(rowid, hash, distance)] and the plan."""
    rows = client.sql(f"SELECT rowid, hash, distance, plan FROM T_knn(?, ?) WHERE "
                      f"{' AND '.join(terms)}", pack(query), k, *arguments)
    return [row[:3] for row in rows], rows[0][3] if rows else ""


def search(client, rng, tally, model=None):
    """A search of everything, and one of a usual ef. Counts plans and what was found in tally."""
    model = model or rng.choices(list(MODELS), (6, 3, 3, 1))[0]
    maker = Maker(model, rng)
    query = maker.one(rng.choice([None, None, "twin", "near twin", "plain"]))
    metric = MODELS[model][0]
    if metric == "cosine" and rng.random() < 0.1:
        query = [1e-3 * x for x in query]
    where, of_model = ["model = ?"], [model]
    some, _ = knn(client, query, 30, where + ["recall = 1"], of_model)
    limit = rng.choice(some)[2] if some else None
    terms, arguments = filter_of(client, rng, limit)
    where, arguments = where + terms, of_model + arguments
    k = rng.choice([1, 2, 5, 10, 33, 200, 4096])
    true, _ = knn(client, query, k, where + ["recall = 1"], arguments)
    rows, plan = knn(client, query, k, where + [f"ef = {EF_ALL}"], arguments)
    what = f"{model}, k {k}, {' AND '.join(terms)}: {plan}"
    if rows != true:
        lacking = [(i, row) for i, row in enumerate(true) if row not in rows]
        extra = [(i, row) for i, row in enumerate(rows) if row not in true]
        raise Mismatch(f"{what}: {len(rows)} rows for {len(true)}; lacks {lacking[:3]}, "
                       f"has {extra[:3]}")
    graph = has_graph(client, model)
    check(terms or not graph or plan.startswith("graph"), f"{what}: there is a graph")
    name = plan.split(",")[0]
    tally["plans"][name] = tally["plans"].get(name, 0) + bool(rows)
    rows, plan = knn(client, query, k, where, arguments)
    check_rows(rows, what)
    check(plan.startswith("graph") or terms or not graph, f"{what}: there is a graph: {plan}")
    what += f"; then {plan}"
    if "distance <" not in what:
        check(len(rows) == len(true), f"{what}: {len(rows)} rows, {len(true)} exist")
        known = {row[0]: row for row in true}
        far = true[-1][2] + 1e-6 * (1 + abs(true[-1][2])) if true else 0
        check(all(known.get(row[0], row) == row for row in rows), f"{what}: a wrong row")
        tally["found"] += sum(row[2] <= far for row in rows)
        tally["wanted"] += len(true)


def act(client, name, seed, tally):
    """An operation by its name, then searches."""
    rng = random.Random(seed)
    try:
        if not client.is_open:
            client.open()
        elif name:
            getattr(graph_ops, name)(client, rng)
        for _ in range(2 if client.is_open else 0):
            search(client, rng, tally)
    except sqlite3.OperationalError as error:
        # Without WAL a writer may lock readers out.
        check("locked" in str(error) and not client.depth, f"{name}: {error}")


# ---- The process beside

def serve(path):
    """Does what it is told, a line each."""
    client = Client(path)
    for line in sys.stdin:
        name, seed = json.loads(line)
        tally = {"plans": {}, "found": 0, "wanted": 0}
        try:
            act(client, name, seed, tally)
            answer = [None, tally, client.depth]
        except Mismatch as failure:
            answer = [f"in the other process: {failure}", tally, client.depth]
        except sqlite3.Error as failure:
            answer = [f"in the other process, {name}: {failure}", tally, client.depth]
        print(json.dumps(answer), flush=True)


class Remote:
    """A client in a process of its own."""

    attached = False

    def __init__(self, path):
        self.depth = 0
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def act(self, name, seed, tally):
        """An operation there."""
        self.process.stdin.write(json.dumps([name, seed]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        check(line, "the other process ended")
        failure, theirs, self.depth = json.loads(line)
        check(not failure, failure)
        tally["found"] += theirs["found"]
        tally["wanted"] += theirs["wanted"]
        for plan, n in theirs["plans"].items():
            tally["plans"][plan] = tally["plans"].get(plan, 0) + n

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


# ---- The run

class Run:
    """A store, another one attached beside it, and all who work on them."""

    def __init__(self, path, rng, tally, trace):
        self.rng, self.tally, self.trace = rng, tally, trace
        self.sizes = dict(MODELS)
        if rng.random() < 0.7:
            del self.sizes["wide"]
        first = Client(path)
        first.sql(f"PRAGMA journal_mode = {rng.choice(['wal', 'wal', 'delete'])}")
        self.fill(first, self.sizes)
        other = Client(path + ".other")
        self.fill(other, {"l2": ("l2", 3, 1100)})
        other.db.close()
        self.clients = [first, Client(path), Client(path, attached=True), Remote(path)]

    def fill(self, client, sizes):
        """The models and what they begin with."""
        for name in WORKSPACES:
            client.sql("INSERT INTO workspaces(name) VALUES (?)", name)
        for model, (metric, dims, _) in MODELS.items():
            client.sql("INSERT INTO models(model, version, dims, metric) VALUES (?, '1', ?, ?)",
                       model, dims, metric)
        for model, (_, _, count) in sizes.items():
            put(client, self.rng, model, count)
        client.sql("SELECT ck_optimize()")
        check_doctor(client)

    def one(self, client, name):
        """An operation of a client."""
        seed = self.rng.getrandbits(48)
        if self.trace:
            print(f"  {self.clients.index(client)}, {client.depth} deep: {name} {seed}", flush=True)
        if isinstance(client, Remote):
            client.act(name, seed, self.tally)
        else:
            act(client, name, seed, self.tally)

    def step(self):
        """One operation of anybody, most often of who has a transaction, and a look by another."""
        rng = self.rng
        writing = [client for client in self.clients if client.depth]
        client = rng.choice(writing) if writing and rng.random() < 0.8 else rng.choice(self.clients)
        action = rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        self.one(client, action.__name__)
        self.one(rng.choice(self.clients), "")

    def close(self):
        """Ends everything and looks at the file."""
        for client in self.clients:
            while client.depth:
                self.one(client, "end")
        first, attached = self.clients[0], self.clients[2]
        self.clients[3].close()
        attached.prefix = "y_"
        attached.schema = "y"
        for _ in range(3):
            search(attached, self.rng, self.tally, "l2")
        attached.db.close()
        for model in self.sizes:
            put(first, self.rng, model, 1)
        first.sql("SELECT ck_optimize()")
        check_doctor(first)
        check(not orphans(first.db), f"blocks nobody reads: {orphans(first.db)[:5]}")
        check(value(first.db, "PRAGMA integrity_check") == "ok", "the file is not sound")
        for _ in range(5):
            search(first, self.rng, self.tally)


def test_graph_random(path, rng, options):
    """Operations of all kinds, in stores of all kinds."""
    seconds = 120 if options.full else 3
    end_at, n_steps, n_stores = time.monotonic() + seconds, 0, 0
    tally = {"plans": {}, "found": 0, "wanted": 0}
    while time.monotonic() < end_at:
        n_stores += 1
        run = Run(f"{path}.{n_stores}", rng, tally, options.trace)
        for _ in range(50):
            if time.monotonic() > end_at:
                break
            run.step()
            n_steps += 1
        run.close()
    # Of a few searches one that misses a cluster would be too many.
    share = (tally["found"] + 20) / max(1, tally["wanted"])
    check(share >= RECALL_FLOOR, f"the recall is {share:.4f}")
    plans = tally["plans"]
    check(plans.get("graph", 0) > sum(plans.values()) / 3, f"few searches took a graph: {plans}")
    return (f"{n_stores} stores, {n_steps} steps, recall {share:.4f}; " +
            ", ".join(f"{n} by {name}" for name, n in sorted(plans.items())))


if __name__ == "__main__":
    serve(sys.argv[1])
