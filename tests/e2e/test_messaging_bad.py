# SPDX-License-Identifier: BSD-2-Clause
"""What a client can get wrong in a payload of the messaging plugin. After each:
the code and the path, nothing stored, nobody told, the connection alive."""
import pytest

FILE = {"type": "file", "id": "f", "filename": "f", "url": "https://example.org/f"}


def attachment(**changes):
    """attachments with one good and one bad element; ... leaves the field out."""
    bad = {key: value for key, value in dict(FILE, **changes).items() if value is not ...}
    return {"chatId": "BOB", "attachments": [FILE, bad]}


def new(**changes):
    payload = dict({"chatId": "BOB", "message": "hello"}, **changes)
    return {key: value for key, value in payload.items() if value is not ...}


def bad_chat_ids(request, **payload):
    return {
        f"{request}: no chatId": (request, payload, "bad_payload", "chatId"),
        f"{request}: chatId is a number": (request, {"chatId": 5, **payload}, "bad_payload",
                                           "chatId"),
        f"{request}: chatId is null": (request, {"chatId": None, **payload}, "bad_payload",
                                       "chatId"),
        f"{request}: chatId is empty": (request, {"chatId": "", **payload}, "bad_payload",
                                        "chatId"),
        f"{request}: chatId of 129 bytes": (request, {"chatId": "u" * 129, **payload},
                                            "bad_payload", "chatId"),
        f"{request}: NUL in chatId": (request, {"chatId": "BOB\0x", **payload}, "bad_payload",
                                      "chatId"),
        f"{request}: line feed in chatId": (request, {"chatId": "a\nb", **payload},
                                            "bad_payload", "chatId"),
        f"{request}: no such group": (request, {"chatId": "grp_1", **payload}, "not_found", None),
        f"{request}: no payload": (request, None, "bad_payload", "chatId"),
    }


def bad_message_ids(request, field, base):
    return {f"{request}: {field} is {value!r:.20}":
            (request, {**base, field: value}, "bad_payload", field)
            for value in (0, -1, 1.5, 1.0, "1", "", None, True, [], {}, 2 ** 53 + 1, 2 ** 63, 2 ** 70,
                          -2 ** 63)}


def bad_client_ids(request, field, base):
    return {f"{request}: {field} is {value!r:.20}":
            (request, {**base, field: value}, "bad_payload", field)
            for value in ("", "c" * 129, "a\0b", "a\x1fb", 1, None, [], {})}


CALL = {"chatId": "BOB", "callId": "x", "caller": "ALICE", "callType": "audio", "callDuration": 1}
EDIT = {"chatId": "BOB", "originalMessageId": 2, "message": "changed"}
DELETE = {"chatId": "BOB", "originalMessageId": 2}

ROWS = {
    **bad_chat_ids("new", message="hello"),
    **bad_message_ids("new", "replyTo", new()),
    **bad_client_ids("new", "clientMessageId", new()),
    "new: nothing in it": ("new", new(message=...), "bad_payload", "message"),
    "new: empty message": ("new", new(message=""), "bad_payload", "message"),
    "new: empty message and attachments": ("new", new(message="", attachments=[]), "bad_payload",
                                           "message"),
    "new: message is a number": ("new", new(message=1), "bad_payload", "message"),
    "new: NUL in message": ("new", new(message="a\0b"), "bad_payload", "message"),
    "edit: NUL in message": ("edit", {**EDIT, "message": "\0"}, "bad_payload", "message"),
    "new: message is null": ("new", new(message=None), "bad_payload", "message"),
    "new: message too long": ("new", new(message="x" * 32769), "too_large", None),
    "new: attachments is an object": ("new", new(attachments={}), "bad_payload", "attachments"),
    "new: attachments is null": ("new", new(attachments=None), "bad_payload", "attachments"),
    "new: 33 attachments": ("new", new(attachments=[FILE] * 33), "bad_payload", "attachments"),
    "new: attachment is a string": ("new", new(attachments=["x"]), "bad_payload",
                                    "attachments[0]"),
    "new: attachment is null": ("new", new(attachments=[FILE, None]), "bad_payload",
                                "attachments[1]"),
    "new: replyTo unknown": ("new", new(replyTo=77), "not_found", None),
    "new: forwardedFrom is a number": ("new", new(forwardedFrom=1), "bad_payload", "forwardedFrom"),
    "new: forwardedFrom without chatId": ("new", new(forwardedFrom={"messageId": 1}),
                                          "bad_payload", "forwardedFrom.chatId"),
    "new: forwardedFrom without messageId": ("new", new(forwardedFrom={"chatId": "BOB"}),
                                             "bad_payload", "forwardedFrom.messageId"),
    "new: forwardedFrom with a bad messageId": (
        "new", new(forwardedFrom={"chatId": "BOB", "messageId": "1"}), "bad_payload",
        "forwardedFrom.messageId"),

    **bad_chat_ids("edit", originalMessageId=2, message="changed"),
    **bad_message_ids("edit", "originalMessageId", EDIT),
    **bad_client_ids("edit", "originalClientMessageId", EDIT),
    **bad_client_ids("edit", "clientMessageId", EDIT),
    "edit: of nothing": ("edit", {"chatId": "BOB", "message": "x"}, "bad_payload",
                         "originalMessageId"),
    "edit: to nothing": ("edit", {"chatId": "BOB", "originalMessageId": 2}, "bad_payload",
                         "message"),
    "edit: bad attachment": ("edit", {**EDIT, "attachments": [{}]}, "bad_payload",
                             "attachments[0].type"),
    "edit: unknown": ("edit", {**EDIT, "originalMessageId": 77}, "not_found", None),
    "edit: unknown by client id": ("edit", {"chatId": "BOB", "originalClientMessageId": "nix",
                                            "message": "x"}, "not_found", None),
    "edit: what the other wrote": ("edit", {**EDIT, "originalMessageId": 1}, "forbidden", None),
    "edit: what the other wrote, by client id": (
        "edit", {"chatId": "BOB", "originalClientMessageId": "b1", "message": "x"}, "forbidden",
        None),
    "edit: in a chat that is not": ("edit", {**EDIT, "chatId": "NOBODY"}, "not_found", None),

    **bad_chat_ids("delete", originalMessageId=2),
    **bad_message_ids("delete", "originalMessageId", {"chatId": "BOB"}),
    **bad_message_ids("delete", "messageId", {"chatId": "BOB"}),
    **bad_client_ids("delete", "originalClientMessageId", {"chatId": "BOB"}),
    "delete: of nothing": ("delete", {"chatId": "BOB"}, "bad_payload", "originalMessageId"),
    "delete: for nobody": ("delete", {**DELETE, "for": "nobody"}, "bad_payload", "for"),
    "delete: for null": ("delete", {**DELETE, "for": None}, "bad_payload", "for"),
    "delete: unknown": ("delete", {**DELETE, "originalMessageId": 77}, "not_found", None),
    "delete: unknown for me": ("delete", {**DELETE, "originalMessageId": 77, "for": "me"},
                               "not_found", None),
    "delete: what the other wrote": ("delete", {**DELETE, "originalMessageId": 1}, "forbidden",
                                     None),
    "delete: in a chat that is not": ("delete", {**DELETE, "chatId": "NOBODY"}, "not_found", None),

    **bad_chat_ids("dlvrd"),
    **bad_message_ids("dlvrd", "messageId", {"chatId": "BOB"}),
    "dlvrd: past the end": ("dlvrd", {"chatId": "BOB", "messageId": 3}, "not_found", None),
    "dlvrd: in a chat that is not": ("dlvrd", {"chatId": "NOBODY"}, "not_found", None),
    **bad_chat_ids("read"),
    **bad_message_ids("read", "messageId", {"chatId": "BOB"}),
    "read: past the end": ("read", {"chatId": "BOB", "messageId": 2 ** 53}, "not_found", None),
    "read: in a chat that is not": ("read", {"chatId": "NOBODY"}, "not_found", None),

    **bad_chat_ids("call", **{k: v for k, v in CALL.items() if k != "chatId"}),
    **bad_client_ids("call", "callId", CALL),
    **bad_client_ids("call", "caller", CALL),
    "call: no callId": ("call", {k: v for k, v in CALL.items() if k != "callId"}, "bad_payload",
                        "callId"),
    "call: no caller": ("call", {k: v for k, v in CALL.items() if k != "caller"}, "bad_payload",
                        "caller"),
    "call: caller from elsewhere": ("call", {**CALL, "caller": "mallory"}, "bad_payload",
                                    "caller"),
    "call: no callType": ("call", {k: v for k, v in CALL.items() if k != "callType"},
                          "bad_payload", "callType"),
    "call: unknown callType": ("call", {**CALL, "callType": "smoke"}, "bad_payload", "callType"),
    "call: no callDuration": ("call", {k: v for k, v in CALL.items() if k != "callDuration"},
                              "bad_payload", "callDuration"),
    "call: negative callDuration": ("call", {**CALL, "callDuration": -1}, "bad_payload",
                                    "callDuration"),
    "call: callDuration with a fraction": ("call", {**CALL, "callDuration": 1.5}, "bad_payload",
                                           "callDuration"),
    "call: callDuration is a string": ("call", {**CALL, "callDuration": "1"}, "bad_payload",
                                       "callDuration"),
    "call: participants is a string": ("call", {**CALL, "participants": "BOB"}, "bad_payload",
                                       "participants"),
    "call: participant is a number": ("call", {**CALL, "participants": ["BOB", 1]}, "bad_payload",
                                      "participants[1]"),
    "call: participant from elsewhere": ("call", {**CALL, "participants": ["mallory"]},
                                         "bad_payload", "participants[0]"),

    **bad_chat_ids("messages"),
    **bad_message_ids("messages", "startId", {"chatId": "BOB"}),
    **bad_message_ids("messages", "endId", {"chatId": "BOB"}),
    "messages: both ends": ("messages", {"chatId": "BOB", "startId": 1, "endId": 2}, "bad_payload",
                            "endId"),
    **bad_chat_ids("chat"),
    "chat: in which nothing was written": ("chat", {"chatId": "NOBODY"}, "not_found", None),
    **bad_client_ids("chats", "after", {}),
}
for kind, base in (("messages", {"chatId": "BOB"}), ("chats", {})):
    for count in (0, -1, 501, 1.5, "50", None, True, 2 ** 70):
        ROWS[f"{kind}: count is {count!r:.20}"] = (kind, {**base, "count": count}, "bad_payload",
                                                   "count")
for field, values in (
        ("type", (..., "", "film", 1, None)),
        ("id", (..., "", "i" * 129, "a\0", 1, None)),
        ("filename", (..., "", "a\0b", 1, None, "f" * 1025, "gpj.\u202eexe", " ", "a\n")),
        ("url", (..., "", "a\0b", 1, None, {}, "u" * 4097)),
        ("size", (-1, 1.5, "1", None, 2 ** 53 + 1, 2 ** 70)),
        ("meta", ("x", 1, [], None, {"x": "y" * 8200}))):
    for value in values:
        said = "left out" if value is ... else f"{value!r:.20}"
        ROWS[f"new: attachment's {field} is {said}"] = (
            "new", attachment(**{field: value}), "bad_payload", f"attachments[1].{field}")


def named(value, names):
    """The row's payload with the real names of this test in place of ALICE, BOB, NOBODY."""
    if isinstance(value, str):
        for placeholder, name in names.items():
            value = value.replace(placeholder, name)
        return value
    if isinstance(value, dict):
        return {key: named(field, names) for key, field in value.items()}
    if isinstance(value, list):
        return [named(element, names) for element in value]
    return value


class Stage:
    """A dialog with one message of each, and everybody watching: alice's phone
    (who makes the mistakes), her laptop, and bob."""

    async def set(self, server, users):
        self.alice, self.bob, self.nobody = users("alice", "bob", "nobody")
        self.phone = await server.connect(self.alice, "phone")
        self.laptop = await server.connect(self.alice, "laptop")
        self.b = await server.connect(self.bob)
        await self.b.new(self.alice, "from bob", clientMessageId="b1")
        await self.phone.new(self.bob, "from alice", clientMessageId="a2")
        await self.phone.expect_event("new")
        await self.laptop.expect_event("new", messageId=1)
        await self.laptop.expect_events("new", "read")
        await self.b.expect_events("new", "read")
        self.before = await self.everything()
        return self

    async def everything(self):
        """All that is stored, as both see it."""
        return [await client.ok(request, payload)
                for client, peer in ((self.phone, self.bob), (self.b, self.alice))
                for request, payload in (("messages", {"chatId": peer}), ("chats", {}))]

    async def nothing_happened(self):
        assert await self.everything() == self.before
        assert (await self.phone.new(self.bob, "and on"))["messageId"] == 3
        await self.laptop.expect_event("new", messageId=3)
        await self.b.expect_event("new", messageId=3, message="and on")
        await self.phone.barrier()
        self.phone.assert_no_event()


@pytest.mark.parametrize("row", ROWS)
async def test_bad(server, users, row):
    request, payload, code, path = ROWS[row]
    stage = await Stage().set(server, users)
    names = {"ALICE": stage.alice, "BOB": stage.bob, "NOBODY": stage.nobody}
    error = await stage.phone.fails(code, request, named(payload, names), path)
    if code == "bad_payload":
        assert path in error["message"]
    await stage.nothing_happened()


async def test_client_message_id_used_for_something_else(server, users):
    stage = await Stage().set(server, users)
    for payload in ({"message": "another text"}, {"message": "from alice", "replyTo": 1},
                    {"message": "from alice", "attachments": [FILE]}):
        await stage.phone.fails("conflict", "new", {"chatId": stage.bob, "clientMessageId": "a2",
                                                    **payload})
    await stage.phone.fails("conflict", "edit", {"chatId": stage.bob, "clientMessageId": "a2",
                                                 "originalMessageId": 2, "message": "x"})
    await stage.nothing_happened()


async def test_the_same_client_message_id_of_others(server, users):
    """It is the sender's own, in the chat: the same one elsewhere is another message."""
    alice, bob, carol = users("alice", "bob", "carol")
    a, b = await server.connect(alice), await server.connect(bob)
    assert (await a.new(bob, "1", clientMessageId="c"))["messageId"] == 1
    assert (await b.new(alice, "2", clientMessageId="c"))["messageId"] == 2
    assert (await a.new(carol, "3", clientMessageId="c"))["messageId"] == 1


async def test_a_stranger_can_touch_nothing(server, users):
    """Whatever mallory names, it is his own dialogs: alice and bob's is out of reach."""
    stage = await Stage().set(server, users)
    mallory = await server.connect("mallory." + stage.alice)
    for chat in (stage.alice, stage.bob):
        await mallory.fails("not_found", "edit", {"chatId": chat, "originalMessageId": 1,
                                                  "message": "x"})
        for whom in ("me", "all"):
            await mallory.fails("not_found", "delete", {"chatId": chat, "originalMessageId": 1,
                                                        "for": whom})
        for kind in ("read", "dlvrd"):
            await mallory.fails("not_found", kind, {"chatId": chat, "messageId": 1})
        assert (await mallory.ok("messages", {"chatId": chat}))["messages"] == []
        await mallory.fails("not_found", "chat", {"chatId": chat})
        await mallory.fails("not_found", "new", {"chatId": chat, "message": "x", "replyTo": 1})
    assert (await mallory.ok("chats"))["chats"] == []
    await stage.nothing_happened()


async def test_separators_in_names_do_not_mix_chats(server, users):
    """No pair of user ids makes the same chat as another pair."""
    n = users("n")
    pairs = [(f"{n}a", f"{n}b:c"), (f"{n}a:{n}b", "c"), (f"{n}ab", ":c"), (f"{n}a", f"{n}b|c"),
             (f"{n}a|{n}b", "c"), (f"{n}a/{n}b", "c"), (f"{n}a", f"{n}b/c"), (f"{n}a ", f"{n}b"),
             (f"{n}a", f" {n}b"), (f"{n}A", f"{n}b"), (f"{n}%", f"{n}_"), (f"{n}'", f"{n}\"")]
    for one, two in pairs:
        client = await server.connect(one)
        assert (await client.new(two, "first"))["messageId"] == 1
        await client.close()


@pytest.mark.parametrize("kind", ["edit", "delete"])
async def test_service_messages_cannot_be_changed(server, users, kind):
    stage = await Stage().set(server, users)
    await stage.phone.ok("edit", {"chatId": stage.bob, "originalMessageId": 2, "message": "x"})
    await stage.phone.fails("not_found", kind, {"chatId": stage.bob, "originalMessageId": 3,
                                                **({"message": "x"} if kind == "edit" else {})})


async def test_edit_of_what_was_deleted(server, users):
    stage = await Stage().set(server, users)
    await stage.phone.ok("delete", {"chatId": stage.bob, "originalMessageId": 2})
    await stage.phone.fails("not_found", "edit", {"chatId": stage.bob, "originalMessageId": 2,
                                                  "message": "x"})
    page = await stage.b.ok("messages", {"chatId": stage.alice})
    assert "message" not in page["messages"][1]


async def test_edit_of_what_i_deleted_for_me(server, users):
    stage = await Stage().set(server, users)
    await stage.phone.ok("delete", {"chatId": stage.bob, "originalMessageId": 2, "for": "me"})
    await stage.phone.fails("not_found", "edit", {"chatId": stage.bob, "originalMessageId": 2,
                                                  "message": "x"})


async def test_edit_of_a_call(server, users):
    stage = await Stage().set(server, users)
    await stage.phone.ok("call", named(CALL, {"ALICE": stage.alice, "BOB": stage.bob}))
    await stage.phone.fails("forbidden", "edit", {"chatId": stage.bob, "originalMessageId": 3,
                                                  "message": "x"})


async def test_a_bad_request_does_not_disturb_its_neighbours(server, users):
    """Many at once, good and bad in turn: one batch in the storage."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    good, bad = [], []
    for i in range(50):
        good.append(await a.begin("new", {"chatId": bob, "message": str(i),
                                          "clientMessageId": f"c{i}"}))
        bad.append(await a.begin("new", {"chatId": bob, "message": "other",
                                         "clientMessageId": f"c{i}"}))
    for i in range(50):
        assert (await a.response(good[i]))["payload"]["messageId"] == i + 1
        assert (await a.response(bad[i]))["error"]["code"] == "conflict"
        await b.expect_event("new", message=str(i), messageId=i + 1)
