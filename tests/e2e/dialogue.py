# SPDX-License-Identifier: BSD-2-Clause
"""Reads dialogue scripts: tests/dialogues/README.md says what may stand in one.

Script  the users, the server and the steps of a file
Step    one of them: who does it, the verb, and what belongs to the verb
fill    a payload as it is sent, its placeholders filled in
match   what came against what a script says must come, which binds placeholders
"""
import json
import re


class Mistake(Exception):
    """The script itself is wrong."""


class Mismatch(Exception):
    """What came is not what the script says."""


# ------------------------------------------------------------------ payloads

class Name:
    """$name: the value of that name; $_ is any value."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return "$" + self.name


class Rest:
    """`...` at the end of an object or array: there may be more."""

    def __repr__(self):
        return "..."


class Absent:
    """absent: there is no such field."""

    def __repr__(self):
        return "absent"


WORDS = {"true": True, "false": False, "null": None, "absent": Absent()}
LITERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\"(?:[^\"\\]|\\.)*\"")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Reader:
    """Takes a step apart from left to right."""

    def __init__(self, text, at=0):
        self.text = text
        self.at = at

    def blanks(self):
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def takes(self, what):
        """Whether `what` stands next; goes behind it then. A word is taken as a whole."""
        self.blanks()
        end = self.at + len(what)
        if not self.text.startswith(what, self.at):
            return False
        if what[-1].isalnum() and end < len(self.text) and not self.text[end].isspace():
            return False
        self.at = end
        return True

    def needs(self, what):
        if not self.takes(what):
            raise Mistake(f"{what!r} should stand before {self.text[self.at:]!r}")

    def token(self, pattern, what):
        self.blanks()
        found = pattern.match(self.text, self.at)
        if not found:
            raise Mistake(f"{what} should stand before {self.text[self.at:]!r}")
        self.at = found.end()
        return found.group()

    def word(self, what="a word"):
        return self.token(re.compile(r"\S+"), what)

    def over(self):
        self.blanks()
        return self.at == len(self.text)

    def value(self):
        self.blanks()
        if self.takes("{"):
            return self.object()
        if self.takes("["):
            return self.array()
        if self.takes("$"):
            return Name(self.token(WORD, "a name"))
        if LITERAL.match(self.text, self.at):
            return json.loads(self.token(LITERAL, "a value"))
        word = self.token(WORD, "a value")
        if word not in WORDS:
            raise Mistake(f"{word} is no value")
        return WORDS[word]

    def object(self):
        fields = {}
        while not self.takes("}"):
            if self.takes("..."):
                fields["..."] = Rest()
                self.needs("}")
                break
            self.blanks()
            quoted = self.text.startswith('"', self.at)
            name = self.token(LITERAL if quoted else WORD, "a field")
            name = json.loads(name) if quoted else name
            self.needs(":")
            fields[name] = self.value()
            if not self.takes(","):
                self.needs("}")
                break
        return fields

    def array(self):
        elements = []
        while not self.takes("]"):
            if self.takes("..."):
                elements.append(Rest())
                self.needs("]")
                break
            elements.append(self.value())
            if not self.takes(","):
                self.needs("]")
                break
        return elements


def fill(value, names):
    """The plain value that is sent."""
    if isinstance(value, Name):
        if value.name not in names:
            raise Mistake(f"{value} has no value here")
        return names[value.name]
    if isinstance(value, (Rest, Absent)):
        raise Mistake(f"{value} cannot be sent")
    if isinstance(value, dict):
        return {key: fill(field, names) for key, field in value.items()}
    if isinstance(value, list):
        return [fill(element, names) for element in value]
    return value


def said(text, names):
    """A raw text, each $name that has a value replaced by its JSON."""
    def replace(found):
        name = found.group(1)
        return json.dumps(names[name], ensure_ascii=False) if name in names else found.group()
    return re.sub(r"\$(\w+)", replace, text)


def match(wanted, got, names, where):
    """Raises Mismatch unless `got` is what is wanted; binds names that have no value yet."""
    if isinstance(wanted, Name):
        if wanted.name == "_":
            return
        if wanted.name not in names:
            names[wanted.name] = got
            return
        wanted = names[wanted.name]
    if isinstance(wanted, dict) and isinstance(got, dict):
        match_fields(wanted, got, names, where)
    elif isinstance(wanted, list) and isinstance(got, list):
        match_elements(wanted, got, names, where)
    elif type(wanted) is not type(got) or wanted != got:
        raise Mismatch(f"{where}: expected {show(wanted)}, came {show(got)}")


def match_fields(wanted, got, names, where):
    for key, value in wanted.items():
        if isinstance(value, Rest):
            continue
        if isinstance(value, Absent):
            if key in got:
                raise Mismatch(f"{where}.{key}: should be absent, came {show(got[key])}")
            continue
        if key not in got:
            raise Mismatch(f"{where}.{key}: expected {show(value)}, is not there")
        match(value, got[key], names, f"{where}.{key}")
    more = [key for key in got if key not in wanted]
    if more and "..." not in wanted:
        raise Mismatch(f"{where}.{more[0]}: not expected, came {show(got[more[0]])}")


def match_elements(wanted, got, names, where):
    begins = bool(wanted) and isinstance(wanted[-1], Rest)
    wanted = wanted[:-1] if begins else wanted
    for number, value in enumerate(wanted):
        if number == len(got):
            raise Mismatch(f"{where}[{number}]: expected {show(value)}, is not there")
        match(value, got[number], names, f"{where}[{number}]")
    if len(got) > len(wanted) and not begins:
        more = got[len(wanted)]
        raise Mismatch(f"{where}[{len(wanted)}]: not expected, came {show(more)}")


def show(value):
    """As it would stand in a script."""
    if isinstance(value, dict):
        return "{" + ", ".join("..." if isinstance(field, Rest) else f"{key}: {show(field)}"
                               for key, field in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, (Name, Rest, Absent)):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


# --------------------------------------------------------------------- steps

class Step:
    def __init__(self, line, text):
        self.line = line  # its number in the file
        self.text = text
        self.who = None  # the connection: "alice", "bob's phone", "bob's phone#2"
        self.verb = None
        self.times = 1
        self.kind = None  # payloadType, eventType, code or close code
        self.payload = None
        self.more = {}  # id, seq, again, path


SERVER_VERBS = ("restarts", "is killed", "counts")
VERBS = ("connects", "disconnects", "vanishes", "sends", "signals", "says", "acks",
         "is answered", "is refused", "is closed with", "hears", "gets nothing",
         "gets in any order", "gets")


def read_step(line, text):
    step = Step(line, text)
    reader = Reader(text)
    if reader.takes("the server"):
        step.verb = next((verb for verb in SERVER_VERBS if reader.takes(verb)), None)
    else:
        step.who = reader.word("a user")
        if step.who.endswith("'s"):
            step.who += " " + reader.word("a device")
        step.verb = next((verb for verb in VERBS if reader.takes(verb)), None)
    if step.verb is None:
        raise Mistake(f"no such step: {text}")
    READERS.get(step.verb, read_nothing)(step, reader)
    if not reader.over():
        raise Mistake(f"{reader.text[reader.at:]!r} is too much")
    return step


def read_nothing(step, reader):
    del step, reader


def read_payload(step, reader):
    reader.blanks()
    if reader.text[reader.at:reader.at + 1] in ("{", "$"):
        step.payload = reader.value()


def read_times(step, reader):
    if not reader.over():
        step.times = int(reader.token(re.compile(r"\d+"), "a number"))
        reader.needs("times")


def read_sends(step, reader):
    step.kind = reader.word("a payloadType")
    if reader.takes("as"):
        step.more["id"] = reader.value()
    read_payload(step, reader)
    read_times(step, reader)


def read_gets(step, reader):
    step.kind = reader.word("an eventType")
    step.more["again"] = reader.takes("again")
    read_payload(step, reader)
    for field in ("id", "seq"):
        if reader.takes(field):
            step.more[field] = reader.value()
    read_times(step, reader)


def read_any_order(step, reader):
    step.payload = []
    for line in reader.text[reader.at:].strip().split("\n"):
        event = Step(step.line, line.strip())
        read_gets(event, Reader(event.text))
        step.payload.append(event)
    reader.at = len(reader.text)


def read_says(step, reader):
    step.payload = reader.text[reader.at:].strip()
    reader.at = len(reader.text)


def read_acks(step, reader):
    step.payload = "last" if reader.over() else "all" if reader.takes("all") else reader.value()


def read_answered(step, reader):
    read_payload(step, reader)
    read_times(step, reader)


def read_refused(step, reader):
    step.kind = reader.word("a code")
    if reader.takes("at"):
        step.more["path"] = reader.word("a path")
    read_payload(step, reader)


def read_closed(step, reader):
    step.kind = reader.value()


def read_counts(step, reader):
    step.kind = reader.word("a metric")
    step.payload = reader.value()


READERS = {"counts": read_counts, "sends": read_sends, "signals": read_sends, "says": read_says,
           "acks": read_acks, "is answered": read_answered, "is refused": read_refused,
           "is closed with": read_closed, "hears": read_payload, "gets": read_gets,
           "gets in any order": read_any_order}


class Script:
    def __init__(self, path):
        self.path = path
        self.users = []
        self.alone = False
        self.options = {}
        self.steps = []
        with open(path, encoding="utf-8") as file:
            for number, text in lines(file.read()):
                try:
                    self.take(number, text)
                except Mistake as mistake:
                    raise Mistake(f"{path}:{number}: {mistake}") from None

    def take(self, number, text):
        reader = Reader(text)
        if reader.takes("users"):
            self.users += text.split()[1:]
        elif reader.takes("server"):
            self.alone = reader.takes("alone")
            self.options = {} if reader.over() else fill(reader.value(), {})
        else:
            step = read_step(number, text)
            if step.who and re.split("'s ", step.who)[0] not in self.users:
                raise Mistake(f"{step.who} is not among the users")
            self.steps.append(step)


def lines(text):
    """(number, line) of each that says something, with the lines that continue it."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace() and found:
            found[-1][1] += "\n" + line.rstrip()
        else:
            found.append([number, line.rstrip()])
    return found
