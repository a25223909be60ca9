# SPDX-License-Identifier: BSD-2-Clause
"""What docs/protocol.md says of fields, read from its tables and sentences, so that
test_schemas.py can hold it against the schemas. It reads the page as it is written:

    chatId, message?, replyTo? (a note), forwardedFrom? {chatId, messageId}; a remark

A field with ? may be left out, and so may each of several with `or` between them."""
import collections
import functools
import os
import re

import schemas

Field = collections.namedtuple("Field", "optional fields")  # fields: of an object; None: not said


@functools.cache
def text():
    with open(os.path.join(schemas.ROOT, "docs", "protocol.md"), encoding="utf-8") as file:
        return file.read()


def split(line, separator):
    """At separators that stand outside of braces and brackets."""
    pieces, depth, begin = [], 0, 0
    for at, char in enumerate(line):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(char, 0)
        if depth == 0 and line.startswith(separator, at):
            pieces.append(line[begin:at])
            begin = at + len(separator)
    return pieces + [line[begin:]]


def read_fields(line):
    """name -> Field"""
    found = {}
    line = re.sub(r"\(or (\w+)\)", r"or \1", line)
    line = re.sub(r"\([^()]*\)", "", line)
    for piece in split(split(line, ";")[0], ","):
        names = [re.match(r"(?:and )?(\w+)(\??)(.*)", part.strip())
                 for part in split(piece, " or ")]
        names = [name for name in names if name]  # "audio" or "video": only the first is a name
        for name in names:
            inner = re.search(r"\{(.*)\}", name[3])
            found[name[1]] = Field(name[2] == "?" or len(names) > 1,
                                   read_fields(inner[1]) if inner else None)
    return found


@functools.cache
def tables():
    """(its header, its rows) of each table; a row is a list of cells."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text(), re.M):
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()]
        found.append((rows[0], rows[2:]))
    return found


def shape(name):
    """The fields of a message, ChatListItem or attachment."""
    words = re.search(rf"^An? (?:\*\*{name}\*\*[^:]*:|{name} is) (.*?)\n\n", text(), re.M | re.S)[1]
    words = words.replace("\n", " ")
    braces = re.match(r"`\{(.*?)\}`", words)
    return read_fields(braces[1] if braces else words)


def read_payload(cell):
    named = re.match(r"an? (\w+)$", cell)
    return shape(named[1]) if named else read_fields(cell)


def payloads(kind):
    """name -> fields of all payloads of a kind, as schemas name it."""
    column, header = {"request": (1, "payloadType"), "response": (2, "payloadType"),
                      "event": (1, "eventType"), "clientEvent": (1, "client event")}[kind]
    found = {}
    for head, rows in tables():
        if head[0] != header:
            continue
        for row in rows:
            for name in re.findall(r"`(\w+)`", row[0]):
                found[name] = read_payload(row[column])
    if kind in ("event", "clientEvent"):
        before = "(?<!lient )event" if kind == "event" else "[Cc]lient event"
        for name, fields in re.findall(before + r"\s+`(\w+)`\s+`\{(.*?)\}`", text()):
            found.setdefault(name, read_fields(fields))
    return found


def envelopes():
    """name -> fields of the table of messages. Only what stands in backticks is a field."""
    rows = next(rows for head, rows in tables() if head == ["message", "fields"])
    found = {}
    for what, cell in rows:
        name = "clientEvent" if what == "event (client)" else what.split()[0]
        found[name] = {}
        for piece in cell.split(","):
            names = re.findall(r"`(\w+)`(\??)", piece)
            for field, mark in names:
                found[name][field] = Field(mark == "?" or len(names) > 1, None)
    return found


def error_codes():
    rows = next(rows for head, rows in tables() if head == ["code", "meaning"])
    return [row[0].strip("`") for row in rows]


def events_that_are(what):
    """The names in the sentence that begins with *Durable* or *Ephemeral* events."""
    return set(re.findall(r'"(\w+)"', re.search(rf"\*{what}\* events \((.*?)\)", text(),
                                                re.S)[1]))


def examples():
    """All lines of JSON."""
    return [line for block in re.findall(r"```json\n(.*?)```", text(), re.S)
            for line in block.splitlines()]
