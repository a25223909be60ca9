# SPDX-License-Identifier: BSD-2-Clause
"""The schemas themselves: that they are well made, that docs/protocol.md says the same, field
by field, that docs/asyncapi.yaml is made of them, and that the server knows what they are
of. That they are true is shown by all the other tests, whose every message is judged by
them (schemas.py)."""
import glob
import json
import os
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

import protocol_md
import schemas

asyncapi = schemas.assembler()
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, and quicker
FILES = asyncapi.read(asyncapi.find())

# What means the same in draft 7, which AsyncAPI's own schemas are, and in 2020-12. Beside a
# $ref draft 7 ignores everything.
KEYWORDS = {"$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items",
            "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "not",
            "pattern", "properties", "required", "type", "x-durable"}
ANYTHING = {("messaging", "meta"), ("core", "details")}  # objects of the server that are open
ADDED_TO = {("messaging", "chatListItem")}  # ... and those to which others' plugins add members
ENVELOPES = {"client": {"request", "ack", "clientEvent", "ping"},
             "server": {"response", "error", "event", "pong"}}


def parts(schema):
    """The schema and all within it."""
    if schema is False:  # a response without payload
        return
    yield schema
    for value in schema.get("properties", {}).values():
        yield from parts(value)
    for value in schema.get("anyOf", []) + schema.get("allOf", []):
        yield from parts(value)
    for key in ("items", "not"):
        if key in schema:
            yield from parts(schema[key])


def reached(owner, names):
    """The $defs that these lead to, themselves included."""
    found = set()
    todo = set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        for part in parts(FILES[owner]["$defs"][name]):
            if "$ref" in part:
                todo.add(part["$ref"][len("#/$defs/"):])
        todo -= found
    return found


def roots(owner, side):
    """The $defs that are messages, or their payloads, of the client or of the server."""
    kinds = ("request.", "clientEvent.") if side == "client" else ("response.", "event.",
                                                                   "details.")
    return {name for name in FILES[owner]["$defs"]
            if name.startswith(kinds) or (owner == "core" and name in ENVELOPES[side])}


@pytest.mark.parametrize("owner", FILES)
def test_well_made(owner):
    file = FILES[owner]
    assert file["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(file)
    client, server = (reached(owner, roots(owner, side)) for side in ("client", "server"))
    for name, schema in file["$defs"].items():
        assert name in client | server, f"{name} is not used"
        for part in parts(schema):
            assert set(part) <= KEYWORDS, f"{name}: {set(part) - KEYWORDS}"
            assert "$ref" not in part or set(part) == {"$ref"}, f"{name}: {part}"
            if "properties" not in part or (owner, name) in ANYTHING:
                continue
            # what a client sends more than we know is ignored; the server sends nothing more
            more = part.get("additionalProperties")
            assert (more is True) == ((owner, name) in ADDED_TO), name
            closed = more is False or more is True
            assert not closed or name not in client, f"{name}: a client's is open"
            assert closed or name not in server, f"{name}: a server's is closed"
            if "required" in part and "type" in part:
                assert set(part["required"]) <= set(part["properties"]), name
        if name.startswith("event."):
            assert isinstance(schemas.durable(name), bool)
        if name.startswith("request."):
            assert "response" + name[len("request"):] in file["$defs"], name
        if name.startswith("response."):
            assert "request" + name[len("response"):] in file["$defs"], name


def test_shipped():
    """`make install` has them all."""
    makefiles = glob.glob(os.path.join(schemas.ROOT, "**", "local.mk"), recursive=True)
    text = "".join(open(path, encoding="utf-8").read() for path in makefiles)
    for path in asyncapi.find():
        assert os.path.relpath(path, schemas.ROOT) in text, path


# ------------------------------------------------------------ docs/protocol.md

def resolved(owner, schema):
    while "$ref" in schema:
        schema = FILES[owner]["$defs"][schema["$ref"][len("#/$defs/"):]]
    return schema


def check_fields(where, said, owner, schema):
    """The fields that the page names are the schema's, and those with ? its optional ones."""
    if schema is False:
        assert said == {}, where
        return
    schema = resolved(owner, schema)
    if schema.get("type") == "array":
        schema = resolved(owner, schema["items"])
    if "properties" not in schema:
        return  # one of several shapes, which the page tells in words
    properties, required = schema["properties"], schema.get("required", [])
    assert {name: said[name].optional for name in said} == {
        name: name not in required for name in properties}, f"{where}: docs, then schema"
    for name, field in said.items():
        if field.fields is not None:
            check_fields(f"{where}.{name}", field.fields, owner, properties[name])


def owners(kind):
    """name -> owner of all messages of this kind."""
    return {name[len(kind) + 1:]: owner for owner, file in FILES.items()
            for name in file["$defs"] if name.startswith(kind + ".")}


@pytest.mark.parametrize("kind", asyncapi.PAYLOADS)
def test_page_says_the_same_of_payloads(kind):
    said, known = protocol_md.payloads(kind), owners(kind)
    assert sorted(said) == sorted(known), "docs/protocol.md, then the schemas"
    for name, fields in said.items():
        owner = known[name]
        check_fields(f"{kind}.{name}", fields, owner, FILES[owner]["$defs"][f"{kind}.{name}"])


def test_page_says_the_same_of_envelopes():
    core = FILES["core"]["$defs"]
    said = protocol_md.envelopes()
    for name in ("request", "event", "ack"):
        check_fields(name, said[name], "core", core[name])
    for name, field in said["clientEvent"].items():  # payloadType or eventType
        assert field.optional == (name not in core["clientEvent"]["required"]), name
    both = {**core["response"]["properties"], **core["error"]["properties"]}
    assert set(said["response"]) == set(both)


@pytest.mark.parametrize("name, owner, defined", [
    ("message", "messaging", "message"),
    ("ChatListItem", "messaging", "chatListItem"),
    ("attachment", "messaging", "attachment"),
])
def test_page_says_the_same_of_shapes(name, owner, defined):
    check_fields(name, protocol_md.shape(name), owner, FILES[owner]["$defs"][defined])


def test_page_says_the_same_of_the_rest():
    core = FILES["core"]["$defs"]
    assert protocol_md.error_codes() == core["errorCode"]["enum"]
    told = {"durable": set(), "ephemeral": set()}
    for event in owners("event"):
        told["durable" if schemas.durable("event." + event) else "ephemeral"].add(event)
    assert protocol_md.events_that_are("Durable") | {"resync"} == told["durable"]
    assert protocol_md.events_that_are("Ephemeral") == told["ephemeral"]
    for file in FILES.values():
        for name, schema in file["$defs"].items():
            if name.startswith("details."):
                for field in schema["properties"]:
                    assert f"`details.{field}`" in protocol_md.text(), name


def judged(*messages):
    """None of these has a fault: (said by the client?, text)."""
    conversation = schemas.Conversation()
    for by_client, text in messages:
        (conversation.sent if by_client else conversation.came)(json.loads(text))
    conversation.ended()
    wrong = schemas.faults.copy()
    schemas.faults.clear()
    return wrong


def test_examples():
    """Of the page, and of the description that the product grew from: the one that is no
    whole answer to a "new" is judged as any response."""
    page = protocol_md.examples()
    assert len(page) >= 5
    for text in page:
        message = json.loads(text)
        if "error" in message or message["type"] == "request":
            assert judged((message["type"] == "request", text)) == []
    assert judged(*((json.loads(text)["type"] in ("request", "ack"), text)
                    for text in page)) == []
    seed = ['{"type":"request","timestamp":1700000000000,"id":"req001","payloadType":"new",'
            '"payload":{"chatId":"User2","message":"Hi from User1!"}}',
            '{"type":"response","timestamp":1700000000000,"id":"req001","payload":{"messageId":5}}',
            '{"type":"ack","id":"23"}']
    for kind, text in zip(("request", "response", "ack"), seed):
        schema = {**FILES["core"], "$ref": f"#/$defs/{kind}"}
        Draft202012Validator(schema).validate(json.loads(text))
    assert judged((True, seed[0]), (True, seed[2])) == []


def test_judge():
    """It sees what is wrong, on either side, and what nobody asked for."""
    ask = '{"type":"request","id":"a","payloadType":"chats","payload":%s}'
    answer = '{"type":"response","timestamp":1,"id":"a","payload":{"chats":[],"hasMore":%s}}'
    assert judged((True, ask % "{}"), (False, answer % "false")) == []
    assert judged((True, ask % '{"more":1}'), (False, answer % "false")) == []
    for question, reply in (('{"count":0}', "false"), ("{}", "1"), ("{}", 'true,"more":1')):
        assert len(judged((True, ask % question), (False, answer % reply))) == 1
    assert len(judged((False, answer % "false"))) == 1
    chat = '[{"type":"dialog","id":"b","missed":0,"isMine":false%s}]'
    for more, wrong in (("", 0), (',"pinned":true', 1)):  # which a client that validates allows
        page = answer.replace("[]", chat % more) % "false"
        assert len(judged((True, ask % "{}"), (False, page))) == wrong
        Draft202012Validator({**FILES["messaging"], "$ref": "#/$defs/response.chats"}).validate(
            json.loads(page)["payload"])
    assert judged((True, '{"type":"ack"}')) != []
    event = '{"type":"event","timestamp":1,"id":1,%s"eventType":"resync","payload":{"fromSeq":2}}'
    assert judged((False, event % '"seq":1,')) == []
    assert len(judged((False, event % ""))) == 1
    assert len(judged((False, '{"type":"event","timestamp":1,"id":1,"eventType":"?"}'))) == 1
    assert len(judged((False, '{"event":"ping"}'))) == 1


# ---------------------------------------------------------- docs/asyncapi.yaml

def test_document_is_up_to_date():
    with open(os.path.join(schemas.ROOT, "docs", "asyncapi.yaml"), encoding="utf-8") as file:
        assert yaml.load(file, LOADER) == schemas.document(), "run `make asyncapi`"


def test_document_is_sound():
    """What the schema of AsyncAPI 3 asks of a document like ours, without that schema, which
    is not in Debian; and what it does not ask: that all references lead somewhere."""
    document = schemas.document()
    assert set(document) == {"asyncapi", "info", "defaultContentType", "servers", "channels",
                             "operations", "components"}
    assert re.fullmatch(r"3\.0\.\d+", document["asyncapi"])
    assert {"title", "version"} <= set(document["info"])
    for server in document["servers"].values():
        assert {"host", "protocol"} <= set(server)
    references = re.findall(r"""['"]\$ref['"]: ['"]([^'"]*)""", repr(document))
    for reference in set(references):
        at = document
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            at = at[step]
    in_channel = {f"#/channels/connection/messages/{name}"
                  for name in document["channels"]["connection"]["messages"]}
    for name, operation in document["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        assert operation["channel"] == {"$ref": "#/channels/connection"}
        for message in operation["messages"] + operation.get("reply", {}).get("messages", []):
            assert message["$ref"] in in_channel
    for kind in ("messages", "schemas"):
        for name in document["components"][kind]:
            assert re.fullmatch(r"[\w.-]+", name)


# ----------------------------------------------------------------- the server

def test_server_knows_them(make_server):
    """And nothing besides: what it says at start, of each plugin that there is."""
    server = make_server(server={"log_level": "debug"})
    for owner in FILES:
        if owner != "core":
            server.config["plugins"].setdefault(owner, {})
    server.start()
    known = {"request": set(), "clientEvent": set()}
    for plugin, what, name in re.findall(r"(\w+) handles (request|client event) ([\w.]+)",
                                         server.log()):
        kind = "clientEvent" if what == "client event" else what
        assert owners(kind).get(name) == plugin, f"{plugin} has no schema {kind}.{name}"
        known[kind].add(name)
    assert known == {kind: set(owners(kind)) for kind in known}


@pytest.mark.last
def test_every_one_came_by(request):
    """All messages that the schemas are of were seen somewhere in the tests."""
    config = request.config
    whole = (not config.option.keyword and all(map(os.path.isdir, config.args)) and
             not hasattr(config, "workerinput"))  # one of several processes
    if not (whole and schemas.JUDGING):
        pytest.skip("only some of the tests were run")
    assert set(schemas.document()["components"]["messages"]) - schemas.seen == set()
