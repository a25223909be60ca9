# SPDX-License-Identifier: BSD-2-Clause
"""Judges every message that a test sends or sees by the schemas of docs/asyncapi.yaml, as
scripts/asyncapi.py assembles them from those of the core and of each plugin.

What the server sends must fit, always. What a client sends must fit when the server took it:
a request that was answered without an error, an ack or a client's event that was not refused.
What does not fit is put into `faults`, which fails the test that runs; see conftest.py. It takes
a twentieth of a millisecond a message; PARLANCE_TEST_SCHEMAS=no saves it.
"""
import functools
import glob
import importlib.util
import json
import os

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTERS = ("zoo.", "tame.")  # what plugins of tests/zoo say has no schemas

JUDGING = os.environ.get("PARLANCE_TEST_SCHEMAS") != "no"

faults = []
seen = set()  # the messages of the document that came by


def assembler():
    """scripts/asyncapi.py as a module."""
    spec = importlib.util.spec_from_file_location(
        "asyncapi", os.path.join(ROOT, "scripts", "asyncapi.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def document():
    asyncapi = assembler()
    return asyncapi.assemble(asyncapi.read(asyncapi.find()))


@functools.cache
def known():
    """The document, and what the plugins of examples/ say."""
    asyncapi = assembler()
    examples = glob.glob(os.path.join(ROOT, "examples", "*", "*" + asyncapi.ENDING))
    return asyncapi.assemble(asyncapi.read(asyncapi.find() + examples))


def inlined(schema):
    """The schema with what it refers to in place of the references: a validator that need not
    look them up takes half the time. What is open for others' plugins is closed: no plugin here
    adds a field that has no schema."""
    if isinstance(schema, list):
        return [inlined(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return inlined(known()["components"]["schemas"][name])
    result = {key: inlined(value) for key, value in schema.items()
              if key not in ("description", "x-durable")}
    if result.get("additionalProperties") is True:
        result["additionalProperties"] = False
    return result


def durable(name):
    """Whether events of this name have a seq."""
    schema = known()["components"]["messages"][name]["payload"]["allOf"][1]
    while "x-durable" not in schema:
        ref = schema.get("$ref") or schema["properties"]["payload"]["$ref"]
        schema = known()["components"]["schemas"][ref.rsplit("/", 1)[1]]
    return schema["x-durable"]


def merged(envelope, inner):
    """The two schemas of a message as one, which is judged in two thirds of the time."""
    return {**envelope, **inner, "required": envelope["required"] + inner.get("required", []),
            "properties": {**envelope["properties"], **inner.get("properties", {})}}


@functools.cache
def validator(name):
    """Of the message of this name; None when there is none."""
    message = known()["components"]["messages"].get(name)
    if message is None:
        return None
    schema = inlined(message["payload"])
    return Draft202012Validator(merged(*schema["allOf"]) if "allOf" in schema else schema)


def judge(name, message):
    kind, _, what = name.partition(".")
    if what.startswith(TESTERS):
        return
    seen.add(name)
    found = validator(name)
    if found is None:
        faults.append(f"there is no schema {kind}.{what} for {message}")
    elif not found.is_valid(message):
        error = best_match(found.iter_errors(message))
        where = "/".join(map(str, error.absolute_path)) or "the message"
        faults.append(f"{name}: {where}: {error.message}; in {message}")
    elif kind == "event" and ("seq" in message) != durable(name):
        faults.append(f"{name}: seq, or x-durable of its schema, is wrong: {message}")


class Conversation:
    """What is said over one connection."""

    def __init__(self):
        self.asked = {}  # id -> the requests with it that are not answered, in order
        self.told = []  # acks and events of the client, which nothing has refused

    def sent(self, message):
        """By the client: a dict or the text."""
        if message == "ping":
            judge("ping", message)
            return
        if not isinstance(message, dict):
            try:
                message = json.loads(message)
            except (ValueError, RecursionError):
                return
        if not isinstance(message, dict):
            return
        kind, key = message.get("type"), message.get("id")
        if kind == "request" and isinstance(key, str):
            self.asked.setdefault(key, []).append(message)
        elif kind == "ack":
            self.told.append(("ack", message))
        elif kind == "event":
            name = message.get("payloadType", message.get("eventType"))
            self.told.append((f"clientEvent.{name}", message))

    def came(self, message):
        """From the server."""
        kind = message.get("type")
        if kind == "event":
            judge(f"event.{message.get('eventType')}", message)
        elif kind == "response" and "error" not in message:
            self.answered(message)
        elif kind == "response":
            judge("error", message)
            self.refused(message)
        else:
            judge("pong", message)

    def answered(self, response):
        requests = self.asked.get(response.get("id"))
        if not requests:
            faults.append(f"answers what was not asked: {response}")
            return
        request = requests.pop(0)
        name = request.get("payloadType")
        judge(f"request.{name}", request)
        judge(f"response.{name}", response)

    def refused(self, response):
        key = response.get("id")
        requests = self.asked.get(key)
        if requests:  # the first is still being answered when another with its id is refused
            again = response["error"].get("code") == "duplicate_request"
            requests.pop(-1 if again else 0)
        else:  # without an id it may be any of them
            self.told = [] if key is None else [(name, message) for name, message in self.told
                                                if message.get("id") != key]

    def ended(self):
        for name, message in self.told:
            judge(name, message)
        self.told = []


class Unjudged(Conversation):
    """For runs whose messages others have judged."""

    def sent(self, message):
        pass

    def came(self, message):
        pass


def conversation():
    return Conversation() if JUDGING else Unjudged()
