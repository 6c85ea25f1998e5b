"""A loopback server with POST /v1/embeddings that counts what it is asked, and misbehaves on request.

A vector is a function of model and text alone, of numbers that float32 holds exactly. `plan` is asked
before each answer what to do: it gets the number of the request, from 0, and the texts, and returns the
name of a way to answer below, or None for the right one.
"""
import base64
import collections
import hashlib
import http.server
import json
import os
import random
import socket
import struct
import threading
import time

DIMS = 24


def vector(model, text, dims=DIMS):
    """What the server makes of a text."""
    seed = hashlib.blake2b(f"{model}\0{text}".encode(), digest_size=8).digest()
    generator = random.Random(seed)
    return [generator.randrange(-1000, 1001) / 1024 for _ in range(dims)]


def blob(model, text, dims=DIMS):
    """The same as it is stored."""
    return struct.pack(f"<{dims}f", *vector(model, text, dims))


class Server:
    """Runs from its making to close()."""

    def __init__(self, plan=None, dims=DIMS, model=None, key=None, delay=0.0, port=0):
        self.plan = plan or (lambda number, texts: None)
        self.dims = dims
        self.model = model  # answers as this model, whatever is asked for
        self.key = key
        self.delay = delay
        self.lock = threading.Lock()
        self.requests = 0
        self.texts = collections.Counter()  # of answers that were right
        self.asked = collections.Counter()
        self.at_once = self.most_at_once = 0
        self.times = []
        self.bodies = []
        handler = type("Handler", (Handler,), {"owner": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.http.handle_error = lambda request, address: None  # clients that go away
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self):
        """Ends it."""
        self.http.shutdown()
        self.http.server_close()

    def forget(self):
        """Counts from 0 again."""
        with self.lock:
            self.requests = 0
            self.texts.clear()
            self.asked.clear()
            self.times.clear()
            self.bodies.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        """Says nothing."""

    def do_POST(self):
        """Answers, right or as planned."""
        owner = self.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = body["input"]
        with owner.lock:
            number = owner.requests
            owner.requests += 1
            owner.asked.update(texts)
            owner.times.append(time.monotonic())
            owner.bodies.append({**body, "path": self.path})
            owner.at_once += 1
            owner.most_at_once = max(owner.most_at_once, owner.at_once)
        try:
            if owner.delay:
                time.sleep(owner.delay)
            if owner.key and self.headers.get("Authorization") != f"Bearer {owner.key}":
                got = self.headers.get("Authorization")
                self.send(401, json.dumps({"error": {"message": f"wrong key: {got}"}}))
            else:
                self.answer(body["model"], texts, owner.plan(number, texts))
        finally:
            with owner.lock:
                owner.at_once -= 1

    def send(self, status, text, headers=()):
        """One answer."""
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def answer(self, model, texts, how):
        """Answers in one of the ways."""
        owner = self.owner
        name, _, value = (how or "right").partition(":")
        data = [{"object": "embedding", "index": i,
                 "embedding": vector(owner.model or model, text, owner.dims)}
                for i, text in enumerate(texts)]
        if name == "status":
            self.send(int(value), json.dumps({"error": {"message": f"planned {value}"}}))
            return
        if name == "later":
            self.send(429, json.dumps({"error": {"message": "slow down"}}), [("Retry-After", value)])
            return
        if name == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
            raise ConnectionResetError
        if name == "slow":
            time.sleep(float(value))
        if name == "dims":
            data = [{**d, "embedding": d["embedding"] + [0.5]} for d in data]
        if name == "nan":
            data[len(data) // 2]["embedding"][3] = float("nan")
        if name == "zero":
            data[0]["embedding"] = [0] * owner.dims
        if name == "short":
            data = data[:-1]
        if name == "twice":
            data[-1]["index"] = 0
        if name == "beyond":
            data[-1]["index"] = len(data)
        if name == "shuffle":
            random.shuffle(data)
        if name == "base64":
            for d in data:
                d["embedding"] = base64.b64encode(
                    struct.pack(f"<{owner.dims}f", *d["embedding"])).decode()
        text = json.dumps({"object": "list", "model": model, "data": data})
        if name == "truncate":
            text = text[:len(text) // 2]
        if name in ("right", "shuffle", "base64", "slow", "limit"):
            with owner.lock:
                owner.texts.update(texts)
        headers = [("x-ratelimit-remaining-requests", "0"),
                   ("x-ratelimit-reset-requests", value)] if name == "limit" else []
        self.send(200, text, headers)
