#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Assembles the schemas of the tree into one AsyncAPI 3 document, docs/asyncapi.yaml.

    scripts/asyncapi.py > docs/asyncapi.yaml     what `make asyncapi` does
    scripts/asyncapi.py FILE.schema.json ...     of these files, as installed, say

The core and every plugin own a file NAME.schema.json beside their code. Its $defs are
request.X, response.X, event.X and clientEvent.X, the payloads of the message that is called X,
details.X, what an error may have as details, and what these refer to. The core's file has the
envelopes besides. What comes out of assemble()
is also what the end-to-end tests judge messages by (tests/e2e/schemas.py).
"""
import glob
import json
import os
import sys

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENDING = ".schema.json"
PAYLOADS = ("request", "response", "event", "clientEvent")

HEAD = """\
# SPDX-License-Identifier: BSD-2-Clause
# Made by `make asyncapi` from the *.schema.json of the core and the plugins: change those.
"""

INFO = {
    "title": "Parlance",
    "version": "1",
    "description": "The wire protocol of Parlance, a messaging server. What the messages mean, and "
                   "what a client must do, is said in protocol.md; this document has their shapes.",
    "license": {"name": "BSD-2-Clause"},
}

SERVERS = {
    "local": {
        "host": "127.0.0.1:8080",
        "protocol": "ws",
        "description": "As parlanced is configured at first: who the user is, is believed.",
    },
}

CHANNEL = {
    "address": "/ws",
    "title": "One device of one user",
    "description": "A WebSocket. Text frames, one JSON object a message.",
    "bindings": {
        "ws": {
            "method": "GET",
            "query": {
                "type": "object",
                "properties": {
                    "user": {"type": "string",
                             "description": "The user, with the plugin auth_insecure."},
                    "access_token": {"type": "string",
                                     "description": "Or the header Authorization: Bearer."},
                    "device": {"type": "string", "maxLength": 128, "default": "default"},
                },
            },
            "bindingVersion": "0.1.0",
        },
    },
}


def find(root=ROOT):
    """The schema files of a tree, the core's first."""
    found = glob.glob(os.path.join(root, "core", "**", "*" + ENDING), recursive=True)
    return found + sorted(glob.glob(os.path.join(root, "plugins", "**", "*" + ENDING),
                                    recursive=True), key=os.path.basename)


def read(paths):
    """owner -> his schema file."""
    files = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            files[os.path.basename(path)[:-len(ENDING)]] = json.load(file)
    return files


def moved(value, owner):
    """A schema with its references to where assemble() puts what they mean."""
    if isinstance(value, list):
        return [moved(element, owner) for element in value]
    if not isinstance(value, dict):
        return value
    return {key: component(owner, element[len("#/$defs/"):]) if key == "$ref"
            else moved(element, owner) for key, element in value.items()}


def component(owner, name):
    return f"#/components/schemas/{owner}.{name}"


def needed(files, owner, name):
    """Whether a payload of this schema has to be there."""
    schema = files[owner]["$defs"][name]
    while "$ref" in schema:
        schema = files[owner]["$defs"][schema["$ref"][len("#/$defs/"):]]
    return "required" in schema or "anyOf" in schema


def named(kind, name):
    """What the envelope says of a message that is called `name`."""
    if kind == "response":
        return {}
    if kind == "clientEvent":
        return {"anyOf": [{"properties": {field: {"const": name}}, "required": [field]}
                          for field in ("payloadType", "eventType")]}
    return {"properties": {"eventType" if kind == "event" else "payloadType": {"const": name}}}


def whole(files, owner, defined):
    """The schema of a message: the envelope, and in it this payload."""
    kind, name = defined.split(".", 1)
    inner = {"type": "object", **named(kind, name)}
    if files[owner]["$defs"][defined] is False:  # there is no payload
        inner["not"] = {"required": ["payload"]}
        return {"allOf": [{"$ref": component("core", kind)}, inner]}
    inner.setdefault("properties", {})["payload"] = {"$ref": component(owner, defined)}
    if needed(files, owner, defined):
        inner["required"] = ["payload"]
    return {"allOf": [{"$ref": component("core", kind)}, inner]}


def message(files, owner, name, payload):
    """One of components.messages."""
    made = {"name": name, "tags": [{"name": owner}]}
    schema = files[owner]["$defs"][name]
    if schema and "description" in schema:
        made["summary"] = schema["description"]
    if name == "ping":
        made["contentType"] = "text/plain"
    elif "request" in name or "response" in name or name == "error":
        made["correlationId"] = {"location": "$message.payload#/id"}
    made["payload"] = payload
    return made


def messages(files):
    """name -> message, by what it is and then by whose it is."""
    made = {}
    for kind in PAYLOADS:
        for owner, file in files.items():
            for name in file["$defs"]:
                if name.startswith(kind + "."):
                    made[name] = message(files, owner, name, whole(files, owner, name))
    for name in ("error", "ack", "ping", "pong"):
        made[name] = message(files, "core", name, {"$ref": component("core", name)})
    return made


def operation(action, name, *replies):
    """`action` is the server's side of it."""
    channel = "#/channels/connection"
    made = {"action": action, "channel": {"$ref": channel},
            "messages": [{"$ref": f"{channel}/messages/{name}"}]}
    if replies:
        made["reply"] = {"channel": {"$ref": channel},
                         "messages": [{"$ref": f"{channel}/messages/{reply}"}
                                      for reply in replies]}
    return made


def operations(names):
    made = {}
    for name in names:
        kind, _, what = name.partition(".")
        if kind == "request":
            made[name] = operation("receive", name, "response." + what, "error")
        elif kind == "clientEvent":
            made[name] = operation("receive", name)
        elif kind == "event":
            made[name] = operation("send", name, "ack")
    made["ping"] = operation("receive", "ping", "pong")
    return made


def assemble(files):
    """The document; `files` as of read()."""
    made = messages(files)
    channel = dict(CHANNEL)
    channel["messages"] = {name: {"$ref": f"#/components/messages/{name}"} for name in made}
    schemas = {f"{owner}.{name}": moved(schema, owner)
               for owner, file in files.items() for name, schema in file["$defs"].items()
               if schema is not False}
    del schemas["core.details"]["type"]
    schemas["core.details"]["anyOf"] = [{"$ref": f"#/components/schemas/{name}"}
                                        for name in schemas if ".details." in name]
    return {
        "asyncapi": "3.0.0",
        "info": INFO,
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": {"connection": channel},
        "operations": operations(made),
        "components": {"messages": made, "schemas": schemas},
    }


def main():
    document = assemble(read(sys.argv[1:] or find()))
    sys.stdout.write(HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True,
                                           width=100))


if __name__ == "__main__":
    main()
