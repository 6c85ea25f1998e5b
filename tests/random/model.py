"""What a ck store must do, as plain Python data.

A State holds one version of a store: immutable rows in dictionaries, so that a copy for a
transaction or a savepoint is four shallow copies. Its methods are the writes of the SQL surface;
each raises Refused where SQL must report an error, and may then leave the state half changed: the
caller works on a copy.

Times that a statement sets to "now" are (earliest, latest) pairs until the next look at the store
settles them; `bytes` is None until then where compression decides it.
"""
import collections
import math
import struct

Embedding = collections.namedtuple(
    "Embedding", "id model vector encoding bytes created_at used_at seq origin")
Model = collections.namedtuple(
    "Model", "id dims metric encoding normalized m ef_construction ef_search")
Workspace = collections.namedtuple(
    "Workspace", "name uuid root host created_at last_seen expires_at pinned state",
    defaults=["live"])
Ref = collections.namedtuple("Ref", "hash start_line end_line")

CHUNK_MAX = 262143
REF_FRESH_S = 60
F32_MIN = 1.17549435e-38


class Refused(Exception):
    """An error SQL must report. category is error or constraint; the message begins with who."""

    def __init__(self, category, who):
        super().__init__(f"{category} from {who}")
        self.category = category
        self.who = who


def f32(number):
    """The number as float32."""
    return struct.unpack("<f", struct.pack("<f", number))[0]


def encode(encoding, vector, who):
    """What is read back of a vector, and the bytes it takes (None where zstd decides)."""
    kind = encoding.split("+")[0]
    size = {"f32": 4 * len(vector), "f16": 2 * len(vector), "i8": 4 + len(vector)}[kind]
    if kind == "f16":
        if any(abs(x) >= 65504.5 for x in vector):
            raise Refused("error", who)
        vector = [struct.unpack("<e", struct.pack("<e", x))[0] for x in vector]
    elif kind == "i8":
        largest = max(abs(x) for x in vector)
        if 0 < largest < 3.7e-37:
            raise Refused("error", who)
        scale = f32(127 / largest) if largest > 0 else 1.0
        codes = [math.copysign(min(127, math.floor(abs(x * scale) + 0.5)), x) for x in vector]
        vector = [f32(code / scale) + 0.0 for code in codes]
    return tuple(vector), None if encoding.endswith("+zstd") else size


def fresher(time, now):
    """A time after it was freshened at `now`: it never goes back."""
    earliest, latest = time if isinstance(time, tuple) else (time, time)
    if earliest >= now[1]:
        return time
    return max(earliest, now[0]), max(latest, now[1])


def refreshed(time, now):
    """The used_at of an embedding when a ref to it is written once more at `now`: freshened, unless
    it is of the last minute."""
    earliest, latest = time if isinstance(time, tuple) else (time, time)
    if earliest >= now[1] - REF_FRESH_S:
        return time
    if latest < now[0] - REF_FRESH_S:
        return fresher(time, now)
    return earliest, max(latest, now[1])


def distance(metric, a, b):
    """The distance of two vectors, in double precision."""
    dot = sum(x * y for x, y in zip(a, b))
    if metric == "dot":
        return -dot
    if metric == "l2":
        return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return 1 - max(-1.0, min(1.0, dot / lengths)) if lengths > 0 else 1.0


def similarity(metric, d):
    """The similarity that belongs to a distance."""
    return 1 - d if metric == "cosine" else -d if metric == "dot" else 1 / (1 + d)


class State:
    """One version of the store."""

    def __init__(self):
        self.exists = False
        self.seq = 0
        self.model_seq = 0
        self.models = {}      # (model, version) -> Model
        self.embeddings = {}  # hash -> Embedding
        self.workspaces = {}  # id -> Workspace
        self.refs = {}        # (workspace id, path, chunk) -> Ref
        self.paths = {}       # path -> its number

    def copy(self):
        """An independent copy."""
        other = State()
        other.__dict__.update({name: dict(value) if isinstance(value, dict) else value
                               for name, value in self.__dict__.items()})
        return other

    def __eq__(self, other):
        return self.__dict__ == other.__dict__

    # Embeddings

    def put(self, row, mode, now, who="embeddings"):
        """One row: model (a pair), hash, vector (a list, or None for a bad one), origin, age.

        mode is abort, ignore, replace, or keep (that of ck_put)."""
        model = self.models.get(row["model"])
        vector, key = row["vector"], row["hash"]
        if vector is None or key is None or row.get("bad"):
            raise Refused("error", who)
        known = model is not None
        if not known:
            model = Model(None, len(vector), "cosine", "f32", 0, 16, 200, 64)
        squared = sum(x * x for x in vector)
        if (len(vector) != model.dims or squared > 3.4e38 or
                (squared < F32_MIN and model.metric == "cosine") or
                (model.normalized and abs(squared - 1) > 2e-3)):
            raise Refused("error", who)
        old = self.embeddings.get(key)
        if old and old.model != row["model"]:
            raise Refused("error", who)
        if old and mode in ("ignore", "keep"):
            self.embeddings[key] = old._replace(used_at=fresher(old.used_at, now))
            return
        if old and mode != "replace":
            raise Refused("constraint", who)
        read_back, size = encode(model.encoding, vector, who)
        if not known:
            self.register_model(row["model"], model)
        self.exists = True
        self.seq += 1
        if old:
            self.embeddings[key] = old._replace(
                vector=read_back, encoding=model.encoding, bytes=size,
                used_at=fresher(old.used_at, now), seq=self.seq, origin=row.get("origin"))
            return
        created = tuple(t - row.get("age", 0) for t in now)
        self.embeddings[key] = Embedding(self.seq, row["model"], read_back, model.encoding, size,
                                         created, now, self.seq, row.get("origin"))

    def referenced(self):
        """The hashes that have refs."""
        return {ref.hash for ref in self.refs.values()}

    def delete_embeddings(self, keys):
        """Deletes them all, or none when one is referenced."""
        if self.referenced().intersection(keys):
            raise Refused("error", "embeddings")
        for key in keys:
            del self.embeddings[key]

    def garbage(self, grace, now):
        """The hashes ck_gc(grace) deletes, in the order of their ids."""
        referenced = self.referenced()
        return sorted((key for key, e in self.embeddings.items()
                       if key not in referenced and
                       max(e.created_at, e.used_at) <= now[0] - grace),
                      key=lambda key: self.embeddings[key].id)

    # Models

    def register_model(self, name, model):
        """Adds a model under (model, version)."""
        if name in self.models:
            raise Refused("constraint", "models")
        self.exists = True
        self.model_seq += 1
        self.models[name] = model._replace(id=self.model_seq)

    def model_is_used(self, name):
        """Whether an embedding belongs to the model."""
        return any(e.model == name for e in self.embeddings.values())

    # Workspaces

    def workspace_id(self, name):
        """The id of a workspace, or None."""
        for number, workspace in self.workspaces.items():
            if workspace.name == name:
                return number
        return None

    def register_workspace(self, given, mode, now):
        """given: the attributes by name. OR REPLACE keeps identity and refs, sets what is given."""
        number = self.workspace_id(given["name"])
        if number is None:
            if "uuid" in given and any(w.uuid == given["uuid"] for w in self.workspaces.values()):
                if mode != "ignore":
                    raise Refused("constraint", "workspaces")
                return
            self.exists = True
            new = Workspace(given["name"], None, None, None, now, now, None, 0)
            self.workspaces[max(self.workspaces, default=0) + 1] = new._replace(**given)
        elif mode == "replace":
            self.update_workspace(number, **given)
        elif mode != "ignore":
            raise Refused("constraint", "workspaces")

    def update_workspace(self, number, **given):
        """Sets attributes; a heartbeat makes the workspace live."""
        if "last_seen" in given:
            given["state"] = "live"
        self.workspaces[number] = self.workspaces[number]._replace(**given)

    def collect_paths(self):
        """Forgets the paths without refs, as ck_gc does; of so few it looks at all."""
        used = {path for _, path, _ in self.refs}
        self.paths = {path: number for path, number in self.paths.items() if path in used}

    def age_workspaces(self, grace, now):
        """The step ck_gc takes: live, stale, released. No workspace here has a host, and none has
        been stale for a grace period, unless that is 0."""
        for number, w in list(self.workspaces.items()):
            seen = w.last_seen[0] if isinstance(w.last_seen, tuple) else w.last_seen
            idle = (now[0] - seen) / 86400
            expired = w.expires_at is not None and w.expires_at <= now[0]
            if not w.pinned and (expired or idle > (90 if w.state == "stale" else 30)):
                if w.state == "stale" and grace > 0:
                    continue
                if w.state == "stale":
                    self.release_workspace(number)
                else:
                    self.workspaces[number] = w._replace(state="stale")
            elif w.state == "stale" and (w.pinned or idle <= 30):
                self.workspaces[number] = w._replace(state="live")

    def rename_workspace(self, number, name, mode):
        """Gives a workspace another name."""
        other = self.workspace_id(name)
        if other is not None and other != number:
            if mode != "ignore":
                raise Refused("constraint", "workspaces")
            return
        self.workspaces[number] = self.workspaces[number]._replace(name=name)

    def release_workspace(self, number):
        """Deletes a workspace with its refs."""
        del self.workspaces[number]
        for key in [key for key in self.refs if key[0] == number]:
            del self.refs[key]

    def usage(self, number):
        """refs, embeddings, bytes and shared bytes of a workspace."""
        mine = [ref.hash for key, ref in self.refs.items() if key[0] == number]
        others = {ref.hash for key, ref in self.refs.items() if key[0] != number}
        size = lambda keys: sum(self.embeddings[key].bytes for key in keys)
        return (len(mine), len(set(mine)), size(set(mine)), size(set(mine) & others))

    # Refs

    def _resolve(self, workspace, path, chunk, ref):
        number = self.workspace_id(workspace)
        if (number is None or ref.hash not in self.embeddings or not isinstance(path, str) or
                not path or not 0 <= chunk <= CHUNK_MAX):
            raise Refused("error", "refs")
        return number, path, chunk

    def _use(self, key, ref, now):
        e = self.embeddings[ref.hash]
        old = self.refs.get(key)
        freshen = refreshed if old and old.hash == ref.hash else fresher
        self.embeddings[ref.hash] = e._replace(used_at=freshen(e.used_at, now))
        self.paths.setdefault(key[1], max(self.paths.values(), default=0) + 1)
        self.refs[key] = ref

    def add_ref(self, workspace, path, chunk, ref, mode, now):
        """INSERT of one ref."""
        key = self._resolve(workspace, path, chunk, ref)
        if key in self.refs and mode != "replace":
            if mode == "ignore":
                return
            raise Refused("constraint", "refs")
        self._use(key, ref, now)

    def change_ref(self, key, changes, mode, now):
        """UPDATE of one ref; changes maps column names to new values."""
        row = {"workspace": self.workspaces[key[0]].name, "path": key[1], "chunk": key[2]}
        row.update(changes)
        ref = self.refs[key]._replace(**{name: row[name] for name in Ref._fields if name in row})
        to = self._resolve(row["workspace"], row["path"], row["chunk"], ref)
        if to in self.refs and to != key and mode != "replace":
            if mode == "ignore":
                return
            raise Refused("constraint", "refs")
        del self.refs[key]
        used = self.embeddings[ref.hash].used_at
        self._use(to, ref, now)
        if "hash" not in changes:  # only a ref to another embedding freshens it
            self.embeddings[ref.hash] = self.embeddings[ref.hash]._replace(used_at=used)

    def refs_in_order(self, where=lambda key, ref: True):
        """The keys of matching refs in the order of storage."""
        return sorted((key for key, ref in self.refs.items() if where(key, ref)),
                      key=lambda key: (key[0], self.paths[key[1]], key[2]))
