"""Random operations on indexed stores, and searches with every filter held against brute force.

A State is what a connection must see: plain dictionaries, copied where a transaction or a savepoint
begins. Two connections work on one store, and a third has it attached as x and goes through
ck_attach's tables; all operations are bulk ones, so that tails are packed and indexes begun. The
searches of a run have a recall, of which there is a floor; everything else must be exact.
"""
import os
import sqlite3
import time

from store import (DIMS, INSERT, Mismatch, Vectors, check, check_rows, close, connect, distance,
                   hash_of, orphans, pack, value)

MODELS = [("m", "1"), ("m", "2"), ("n", "1"), ("tiny", "1")]
METRICS = dict(zip(MODELS, ("cosine", "l2", "dot", "cosine")))
SIZES = dict(zip(MODELS, (3500, 1300, 1300, 100)))
WORKSPACES = ["alpha", "beta", "gamma"]
RECALL_FLOOR = 0.98


class State:
    """rows: {rowid: (number, model, vector)}, ids: {number: rowid}, refs: {workspace: numbers}."""

    def __init__(self, other=None):
        self.rows = dict(other.rows) if other else {}
        self.ids = dict(other.ids) if other else {}
        self.refs = {name: set(other.refs[name]) if other else set() for name in WORKSPACES}
        self.encoding = dict(other.encoding) if other else {}

    def referenced(self):
        """The numbers of embeddings with a ref."""
        return set().union(*self.refs.values())


class Client:
    """A connection, its transaction, and the names of its tables."""

    def __init__(self, path, attached=False):
        self.path, self.attached = path, attached
        self.prefix = "x_" if attached else ""
        self.open()

    def open(self):
        """Opens the connection, or opens it anew."""
        self.db = connect(":memory:" if self.attached else self.path, timeout=0)
        if self.attached:
            self.db.execute("ATTACH ? AS x", (self.path,))
            self.db.execute("SELECT ck_attach('x')")
        self.stack = []  # (savepoint or None, state), innermost last

    def sql(self, text, *arguments):
        """Runs a statement in which T_ stands for the tables' prefix."""
        return self.db.execute(text.replace("T_", self.prefix), arguments).fetchall()


class Run:
    """One run of the test."""

    def __init__(self, path, rng, trace):
        self.rng, self.trace = rng, trace
        self.vectors = {model: Vectors(rng, DIMS) for model in MODELS}
        self.committed = State()
        self.next_number = 1
        self.found = self.wanted = 0
        self.paths = {}
        self.mode = rng.choice(["wal", "delete"])
        first = Client(path)
        first.sql(f"PRAGMA journal_mode = {self.mode}")
        for model in MODELS:
            first.sql("INSERT INTO models(model, version, dims, metric) VALUES (?, ?, ?, ?)",
                      *model, DIMS, METRICS[model])
            self.committed.encoding[model] = "f32"
        for name in WORKSPACES:
            first.sql("INSERT INTO workspaces(name) VALUES (?)", name)
        self.clients = [first, Client(path), Client(path, attached=True)]
        for model in MODELS:
            self.put(first, SIZES[model], model)

    # Transactions

    def state(self, client):
        """What the client sees."""
        return client.stack[-1][1] if client.stack else self.committed

    def write(self, client, work):
        """Lets work(state) change a copy, and keeps it when that came to its end. Another writer's
        lock is no failure."""
        state = State(self.state(client))
        began = not client.db.in_transaction
        try:
            if began:
                client.sql("BEGIN IMMEDIATE")
            work(state)
            if began:
                client.sql("COMMIT")
        except sqlite3.OperationalError as error:
            if began and client.db.in_transaction:
                client.sql("ROLLBACK")
            if "locked" not in str(error):
                raise
            check(any(other.stack for other in self.clients), f"{error}, and nobody writes")
            if not began:
                raise Mismatch(f"in its own transaction: {error}") from error
            return
        if client.stack:
            client.stack[-1] = (client.stack[-1][0], state)
        else:
            self.committed = state

    def begin(self, client):
        """BEGIN IMMEDIATE, or a savepoint in a transaction."""
        if client.stack:
            name = f"s{len(client.stack)}"
            client.sql(f"SAVEPOINT {name}")
            client.stack.append((name, State(self.state(client))))
            return
        if not any(other.stack for other in self.clients):
            client.sql("BEGIN IMMEDIATE")
            client.stack.append((None, State(self.committed)))

    def end(self, client):
        """COMMIT, ROLLBACK, RELEASE or ROLLBACK TO."""
        if not client.stack:
            return
        name, state = client.stack.pop()
        keep = self.rng.random() < 0.5
        if name is None:
            client.sql("COMMIT" if keep else "ROLLBACK")
            self.committed = state if keep else self.committed
        elif keep:
            client.sql(f"RELEASE {name}")
            client.stack[-1] = (client.stack[-1][0], state)
        else:
            client.sql(f"ROLLBACK TO {name}")
            client.sql(f"RELEASE {name}")

    def finish(self, client):
        """Ends the whole transaction."""
        while client.stack:
            self.end(client)

    # Writes

    def put(self, client, count=None, model=None):
        """Many new embeddings, some with refs."""
        rng = self.rng
        model = model or rng.choices(MODELS, (6, 2, 2, 1))[0]
        count = count or rng.choice([1, 20, 100, 700])
        numbers = range(self.next_number, self.next_number + count)
        self.next_number += count
        make = self.vectors[model]
        crowd = make.one() if rng.random() < 0.2 else None
        new = {n: make.near(crowd, 0.05) if crowd else make.one() for n in numbers}

        def work(state):
            client.db.executemany(INSERT.replace("embeddings(", client.prefix + "embeddings(", 1),
                                  [(hash_of(n), *model, pack(v)) for n, v in new.items()])
            ids = {row[0]: row[1] for row in client.sql(
                "SELECT hash, rowid FROM T_embeddings WHERE seq > "
                "(SELECT max(seq) FROM T_embeddings) - ?", count)}
            for n, vector in new.items():
                state.ids[n] = ids[hash_of(n)]
                state.rows[state.ids[n]] = (n, model, vector)
            for name in WORKSPACES:
                self.refer(client, state, name, [n for n in numbers if rng.random() < 0.35])
        self.write(client, work)

    def refer(self, client, state, name, numbers):
        """Refs of a workspace to embeddings."""
        client.db.executemany(
            f"INSERT OR REPLACE INTO {client.prefix}refs(workspace, path, chunk, hash) "
            "VALUES (?, ?, 0, ?)", [(name, f"path {n}", hash_of(n)) for n in numbers])
        state.refs[name].update(numbers)

    def replace(self, client):
        """OR REPLACE of some, or of those near each other."""
        rng = self.rng

        def work(state):
            numbers = rng.sample(sorted(state.ids), min(len(state.ids), rng.choice([1, 10, 150])))
            for n in numbers:
                rowid = state.ids[n]
                model = state.rows[rowid][1]
                vector = self.vectors[model].one()
                client.sql("INSERT OR REPLACE INTO T_embeddings(hash, model, version, vector) "
                           "VALUES (?, ?, ?, ?)", hash_of(n), *model, pack(vector))
                state.rows[rowid] = (n, model, vector)
        self.write(client, work)

    def delete(self, client):
        """DELETE FROM embeddings of what has no refs: a share, a range, or a neighbourhood."""
        rng = self.rng

        def work(state):
            kept = state.referenced()
            free = [n for n in state.ids if n not in kept]
            way = rng.randrange(3)
            if way == 0:
                gone = [n for n in free if rng.random() < 0.2]
            elif way == 1:
                at = rng.randrange(len(state.ids))
                gone = [n for n in sorted(state.ids)[at:at + 200] if n in set(free)]
            else:
                model = rng.choice(MODELS)
                centre = self.vectors[model].one()
                mine = [n for n in free if state.rows[state.ids[n]][1] == model]
                gone = sorted(mine, key=lambda n: distance(
                    METRICS[model], centre, state.rows[state.ids[n]][2]))[:150]
            client.db.executemany(f"DELETE FROM {client.prefix}embeddings WHERE hash = ?",
                                  [(hash_of(n),) for n in gone])
            for n in gone:
                del state.rows[state.ids.pop(n)]
        self.write(client, work)

    def collect(self, client):
        """ck_gc(0) after a workspace has let go of some."""
        if client.attached:
            return
        name = self.rng.choice(WORKSPACES)

        def work(state):
            gone = [n for n in sorted(state.refs[name]) if self.rng.random() < 0.1]
            client.db.executemany("DELETE FROM refs WHERE workspace = ? AND path = ?",
                                  [(name, f"path {n}") for n in gone])
            state.refs[name].difference_update(gone)
            if self.rng.random() < 0.4:
                client.sql("SELECT ck_gc(0)")
                kept = state.referenced()
                for n in [n for n in state.ids if n not in kept]:
                    del state.rows[state.ids.pop(n)]
        self.write(client, work)

    def optimize(self, client):
        """ck_optimize, within a transaction or not."""
        if client.attached:
            return
        argument = self.rng.choice(["", "'m'", "'tiny'"])
        try:
            client.sql(f"SELECT ck_optimize({argument})")
        except sqlite3.OperationalError as error:
            check("locked" in str(error) and any(c.stack for c in self.clients if c != client),
                  f"ck_optimize: {error}")

    def reencode(self, client):
        """Another encoding of a model: what is stored, and so the distances, change a little."""
        if client.attached or client.stack or any(c.stack for c in self.clients):
            return
        model, encoding = self.rng.choice(MODELS), self.rng.choice(["f32", "f16", "f32+zstd"])
        client.sql("SELECT ck_reencode(?, ?, ?)", *model, encoding)
        self.committed.encoding[model] = encoding
        for rowid, blob in client.sql("SELECT rowid, vector FROM embeddings WHERE model = ? AND "
                                      "version = ?", *model):
            number = self.committed.rows[rowid][0]
            self.committed.rows[rowid] = (number, model, tuple(memoryview(blob).cast("f")))

    def reopen(self, client):
        """Closes the connection, with it its transaction, and opens another one."""
        client.stack = []
        client.db.close()
        client.open()

    def vacuum(self, client):
        """VACUUM."""
        if not client.attached and not any(c.stack for c in self.clients):
            client.sql("VACUUM")

    def resize(self, client):
        """Another budget of memory."""
        self.write(client, lambda state: client.sql("SELECT ck_config('cache_bytes', ?)",
                                                    self.rng.choice([None, 0, 40000, 150000]))
                   if not client.attached else None)

    # Searches

    def filters(self, state, model, query, everything):
        """Random terms: SQL, arguments, what passes (of rows of everything), whether by distance."""
        rng = self.rng
        terms, arguments, tests, by_distance = ["model = ? AND version = ?"], [*model], [], False
        if rng.random() < 0.3:
            names = rng.sample(WORKSPACES, rng.choice([1, 1, 2, 3]))
            terms.append("workspace = ?" if len(names) == 1 else
                         f"workspace IN ({', '.join('?' * len(names))})")
            arguments += names
            allowed = set().union(*(state.refs[name] for name in names))
            tests.append(lambda row: row[2] in allowed)
        if rng.random() < 0.3:
            share = rng.choice([0.01, 0.1, 0.5, 0.9])
            numbers = {n for n in state.ids if rng.random() < share} | {0}
            terms.append("hash IN (SELECT w.hash FROM temp.wanted AS w)")
            self.listed = [hash_of(n) for n in numbers]
            tests.append(lambda row: row[2] in numbers)
        if rng.random() < 0.3:
            low, step = rng.randrange(1, max(state.rows)), rng.choice([1, 2, 30])
            terms.append("rowid IN (SELECT id FROM temp.wanted_ids)")
            self.listed_ids = list(range(low, max(state.rows) + 1, step))
            ids = set(self.listed_ids)
            tests.append(lambda row: row[1] in ids)
        if rng.random() < 0.3 and len(everything) > 60:
            at = rng.choice([3, 10, 50])
            if everything[at][0] - everything[at - 1][0] > 1e-4 * (1 + abs(everything[at][0])):
                limit = (everything[at][0] + everything[at - 1][0]) / 2
                if rng.random() < 0.5 or METRICS[model] == "l2":
                    terms.append("distance < ?")
                    arguments.append(limit)
                else:
                    terms.append("similarity >= ?")
                    arguments.append(1 - limit if METRICS[model] == "cosine" else -limit)
                tests.append(lambda row: row[0] < limit)
                by_distance = True
        return terms, arguments, tests, by_distance

    def neighbours(self, state, model, query):
        """[(distance, rowid, number)], nearest first, by Python's arithmetic."""
        metric = METRICS[model]
        return sorted((distance(metric, query, vector), rowid, number)
                      for rowid, (number, of, vector) in state.rows.items() if of == model)

    def knn(self, client, terms, arguments, query, k, tail=""):
        """Rows and plan of a search."""
        client.sql("CREATE TEMP TABLE IF NOT EXISTS wanted(hash)")
        client.sql("CREATE TEMP TABLE IF NOT EXISTS wanted_ids(id)")
        client.sql("DELETE FROM temp.wanted")
        client.sql("DELETE FROM temp.wanted_ids")
        client.db.executemany("INSERT INTO temp.wanted VALUES (?)", [(h,) for h in self.listed])
        client.db.executemany("INSERT INTO temp.wanted_ids VALUES (?)",
                              [(i,) for i in self.listed_ids])
        call = "T_knn(?, ?)" if k else "T_knn(?)"
        return client.sql(f"SELECT rowid, hash, distance, plan FROM {call} WHERE "
                          f"{' AND '.join(terms)}{tail}",
                          pack(query), *([k] if k else []), *arguments)

    def search(self, client):
        """One search, or pages of one."""
        rng, state = self.rng, self.state(client)
        model = rng.choices(MODELS, (6, 3, 3, 1))[0]
        stored = [row[2] for row in state.rows.values() if row[1] == model]
        if not stored:
            return
        query = rng.choice(stored)
        itself = rng.random() < 0.3
        if not itself:
            query = self.vectors[model].near(query, 0.2)
        everything = self.neighbours(state, model, query)
        self.listed, self.listed_ids = [], []
        terms, arguments, tests, by_distance = self.filters(state, model, query, everything)
        k = rng.choice([1, 2, 5, 10, 20, 32, 33, 100, 400])
        passing = [row for row in everything if all(test(row) for test in tests)]
        try:
            if rng.random() < 0.2 and not by_distance:
                size = rng.choice([3, 7, 10])
                rows = [row for page in range(3)
                        for row in self.knn(client, terms, arguments, query, None,
                                            f" LIMIT {size} OFFSET {page * size}")]
                k = 3 * size
            else:
                rows = self.knn(client, terms, arguments, query, k)
        except sqlite3.OperationalError as error:
            # Without WAL a writer's commit or a full cache locks readers out.
            check("locked" in str(error) and self.mode == "delete" and
                  any(c.stack for c in self.clients if c != client), f"knn: {error}")
            return
        self.judge(model, terms, rows, everything, passing, k, by_distance)
        if itself and not tests and METRICS[model] != "dot":
            check(rows[0][2] < 1e-2 and close(METRICS[model], rows[0][2], everything[0][0]) or
                  METRICS[model] == "l2" and rows[0][2] == 0, "a vector does not find itself")

    def judge(self, model, terms, rows, everything, passing, k, by_distance):
        """Holds what was found against what there is."""
        what = f"{model}, k {k}, {' AND '.join(terms[1:])}"
        right = {row[1]: row for row in passing}
        plan = rows[0][3].split(",")[0] if rows else "nothing"
        self.paths[plan] = self.paths.get(plan, 0) + 1
        check_rows(rows, what)
        check(len(rows) <= k, f"{what}: {len(rows)} rows")
        for rowid, key, far, _ in rows:
            check(rowid in right, f"{what}: row {rowid} must not be found")
            check(key == hash_of(right[rowid][2]), f"{what}: the hash of another row")
            check(close(METRICS[model], far, right[rowid][0]),
                  f"{what}: distance {far} instead of {right[rowid][0]}")
        wanted = passing[:k]
        if not by_distance or not plan.startswith("index"):
            check(len(rows) == len(wanted), f"{what}: {len(rows)} rows of {len(wanted)}")
        if not wanted:
            return
        limit = wanted[-1][0] + 1e-4 * (1 + abs(wanted[-1][0]))
        found = sum(row[2] <= limit for row in rows)
        if plan.startswith("index"):
            self.found += min(found, len(wanted))
            self.wanted += len(wanted)
        else:
            check(found == len(wanted), f"{what}: {plan} misses some")

    def check_doctor(self, client):
        """The index and the embeddings have the same ids."""
        if not client.attached:
            rows = client.sql("SELECT status, detail FROM ck_doctor WHERE \"check\" = 'index'")
            check(all(row[0] in ("ok", "info") for row in rows), f"ck_doctor: {rows}")

    # The run

    def step(self):
        """One operation, and searches behind it."""
        rng = self.rng
        writing = [client for client in self.clients if client.stack]
        client = rng.choice(writing) if writing and rng.random() < 0.8 else rng.choice(self.clients)
        action = rng.choices(
            [self.put, self.replace, self.delete, self.collect, self.optimize, self.begin, self.end,
             self.finish, self.reopen, self.vacuum, self.resize, self.reencode, self.check_doctor],
            [8, 6, 6, 3, 4, 5, 4, 2, 1, 1, 2, 1, 2])[0]
        if self.trace:
            print(f"  {self.clients.index(client)}: {action.__name__} "
                  f"({len(client.stack)} deep, {len(self.state(client).rows)} rows)", flush=True)
        action(client)
        for _ in range(2):
            self.search(rng.choice([client, client, *self.clients]))

    def close(self):
        """Ends everything and looks at the file."""
        for client in self.clients:
            self.finish(client)
        first = self.clients[0]
        self.check_doctor(first)
        check(value(first.db, "SELECT count(*) FROM embeddings") == len(self.committed.rows),
              "the store has another number of embeddings")
        # Something is put, so that each index is due.
        for model in MODELS:
            self.put(first, 1, model)
        first.sql("SELECT ck_optimize()")
        check(not orphans(first.db), "blocks nobody reads")
        self.check_doctor(first)
        check(value(first.db, "PRAGMA integrity_check") == "ok", "the file is not sound")


def test_random(path, rng, options):
    begin, n_runs, n_steps = time.monotonic(), 0, 0
    found = wanted = 0
    paths = {}
    seconds = 60 if options.full else 5
    while time.monotonic() - begin < seconds:
        n_runs += 1
        os.makedirs(f"{path}.d", exist_ok=True)
        run = Run(os.path.join(f"{path}.d", f"{n_runs}.db"), rng, options.trace)
        for _ in range(60):
            if time.monotonic() - begin > seconds:
                break
            run.step()
            n_steps += 1
        run.close()
        found, wanted = found + run.found, wanted + run.wanted
        paths = {name: paths.get(name, 0) + n for name, n in run.paths.items()} | \
                {name: n for name, n in paths.items() if name not in run.paths}
    check(found >= RECALL_FLOOR * wanted, f"the recall is {found / wanted:.4f}")
    return (f"{n_runs} stores, {n_steps} steps, recall {found / max(1, wanted):.4f}; " +
            ", ".join(f"{n} by {name}" for name, n in sorted(paths.items())))
