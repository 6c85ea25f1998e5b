"""A clock that tests set: an SQLite VFS like the default one, but for the time it tells.

    clock = Clock()
    db = sqlite3.connect(clock.uri(path), uri=True)
    clock.now += 86400

ck reads the time from the VFS of the connection, as SQL's unixepoch() does; both follow.
"""
import ctypes
import time
import urllib.parse

JULIAN_MS = 210866760000000  # the unix epoch, in milliseconds of the Julian day number


class Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""
    _fields_ = [("iVersion", ctypes.c_int), ("szOsFile", ctypes.c_int),
                ("mxPathname", ctypes.c_int), ("pNext", ctypes.c_void_p),
                ("zName", ctypes.c_char_p), ("pAppData", ctypes.c_void_p)] + [
                    (name, ctypes.c_void_p) for name in (
                        "xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError",
                        "xDlSym", "xDlClose", "xRandomness", "xSleep", "xCurrentTime",
                        "xGetLastError", "xCurrentTimeInt64", "xSetSystemCall", "xGetSystemCall",
                        "xNextSystemCall")]


class Clock:
    """Stands still at `now`, unix seconds, until it is set."""
    NAME = "clock"

    def __init__(self):
        self.now = int(time.time())
        library = ctypes.CDLL("libsqlite3.so.0")  # the one Python's sqlite3 module is linked to
        library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
        library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
        library.sqlite3_vfs_register.argtypes = [ctypes.POINTER(Vfs), ctypes.c_int]
        self.vfs = Vfs()
        ctypes.pointer(self.vfs)[0] = library.sqlite3_vfs_find(None).contents
        self.name = ctypes.create_string_buffer(self.NAME.encode())
        self.vfs.zName = ctypes.addressof(self.name)
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64))
        self.callback = kind(self.tell)
        self.vfs.xCurrentTimeInt64 = ctypes.cast(self.callback, ctypes.c_void_p)
        if library.sqlite3_vfs_register(ctypes.byref(self.vfs), 0) != 0:
            raise RuntimeError("the clock cannot be registered")

    def tell(self, _, milliseconds):
        """xCurrentTimeInt64."""
        milliseconds[0] = int(self.now * 1000) + JULIAN_MS
        return 0

    def uri(self, path):
        """The name under which sqlite3.connect(…, uri=True) opens a file with this clock."""
        return f"file:{urllib.parse.quote(path)}?vfs={self.NAME}"
