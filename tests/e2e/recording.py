# SPDX-License-Identifier: BSD-2-Clause
"""What all clients of a server sent and received, for parlance-history-check:
docs/history-check.md says what a line holds. One file from the first start of the
server on, over all its lives."""
import itertools
import json
import os
import time


class Recording:
    def __init__(self, path):
        self.path = path
        self.file = open(path, "a", encoding="utf-8", buffering=1)
        self.numbers = itertools.count(1)
        if os.path.getsize(path) == 0:
            self.note("birth")

    def note(self, direction, **fields):
        line = {"t": int(time.time() * 1000), "dir": direction, **fields}
        self.file.write(json.dumps(line) + "\n")

    def open(self, user, device):
        """Returns the name of the new connection."""
        conn = f"{user}/{device or 'default'} {next(self.numbers)}"
        self.note("open", conn=conn, user=user, device=device or "default")
        return conn

    def sent(self, conn, text):
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            self.note("out", conn=conn, message=message)
        else:
            self.note("out", conn=conn, text=repr(text))
