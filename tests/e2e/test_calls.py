# SPDX-License-Identifier: BSD-2-Clause
"""Calls: docs/protocol.md, section Calls. That a call goes on is shown by what joinCall answers."""
import asyncio

import pytest

from harness import DURABLE, eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from harness import Server
    made = Server(tmp_path_factory.mktemp("server"), server={"max_bad_messages": 10000},
                  plugins={"calls": {}, "groups": {}})
    made.start()
    yield made
    try:
        made.stop()
    finally:
        made.retire()


async def ring(caller, callee, call_id=None, kind="audio"):
    """A call that rings at both; its id."""
    asked = {"chatId": callee.user, "callType": kind, **({"callId": call_id} if call_id else {})}
    answer = await caller.ok("newCall", asked)
    assert set(answer) == {"callId", "timestamp"} and call_id in (None, answer["callId"])
    heard = await callee.expect_event("newCall", chatId=caller.user, callId=answer["callId"],
                                      caller=caller.user, callType=kind)
    assert heard["payload"]["createdAt"] == answer["timestamp"] and heard["seq"] > 0
    return answer["callId"]


async def join(caller, callee, call_id):
    answer = await callee.ok("joinCall", {"chatId": caller.user, "callId": call_id})
    assert answer == {"callId": call_id, "participants": [caller.user, callee.user]}
    await caller.expect_event("joinCall", chatId=callee.user, callId=call_id, userId=callee.user)


async def expect_end(client, chat, call_id, direction, status, kind="audio"):
    """closeCall, and the message that tells of it; returns the duration."""
    closed = (await client.expect_event("closeCall", chatId=chat, callId=call_id))["payload"]
    called = (await client.expect_event("call", chatId=chat))["payload"]
    seen = {"direction": direction, "status": status, "callType": kind}
    assert closed == {"chatId": chat, "callId": call_id, **seen,
                      "callDuration": closed["callDuration"], "messageId": called["messageId"]}
    assert called == {"chatId": chat, "messageId": called["messageId"], **seen,
                      "timestamp": called["timestamp"]}
    history = (await client.ok("messages", {"chatId": chat, "count": 1}))["messages"]
    assert history[0]["type"] == "call" and history[0]["payload"] == seen
    assert history[0]["messageId"] == called["messageId"]
    return closed["callDuration"]


async def test_received(server, users):
    alice_id, bob_id = users("alice", "bob")
    alice, bob = await server.connect(alice_id), await server.connect(bob_id)
    phone = await server.connect(alice_id, "phone")
    call_id = await ring(alice, bob, "c1", "video")
    await phone.expect_event("newCall", chatId=bob_id, callId="c1", caller=alice_id)
    again = await alice.ok("newCall", {"chatId": bob_id, "callId": "c1", "callType": "video"})
    assert again["callId"] == "c1"
    for who, chat in ((bob, alice_id), (alice, bob_id)):
        error = await who.fails("conflict", "newCall", {"chatId": chat, "callType": "audio"})
        assert error["details"] == {"callId": "c1"}
    await join(alice, bob, call_id)
    await phone.expect_event("joinCall", chatId=bob_id, callId="c1", userId=bob_id)
    offer = {"sdp": "v=0\r\n", "candidates": [1, 2.5, None, {"ä": "\u20ac"}]}
    await alice.event("callSignal", {"chatId": bob_id, "callId": "c1", "to": bob_id,
                                     "data": offer})
    await bob.event("callSignal", {"chatId": alice_id, "callId": "c1", "to": alice_id,
                                   "data": "answer"})
    heard = await bob.expect_event("callSignal")
    assert heard["payload"] == {"chatId": alice_id, "callId": "c1", "from": alice_id,
                                "data": offer} and "seq" not in heard
    await alice.expect_event("callSignal", chatId=bob_id, **{"from": bob_id, "data": "answer"})
    await phone.expect_event("callSignal", data="answer")
    answer = await bob.ok("closeCall", {"chatId": alice_id, "callId": "c1"})
    assert set(answer) == {"callId", "callDuration", "messageId"}
    await expect_end(alice, bob_id, "c1", "outgoing", "received", "video")
    await expect_end(phone, bob_id, "c1", "outgoing", "received", "video")
    history = (await bob.ok("messages", {"chatId": alice_id}))["messages"]
    assert history[0]["payload"]["direction"] == "incoming" and history[0]["sender"] == alice_id
    for gone in ("joinCall", "leaveCall", "closeCall"):
        await bob.fails("not_found", gone, {"chatId": alice_id, "callId": "c1"})
    bob.assert_no_event()
    # another one's call may have the same callId; asked for again, it does not ring twice
    await ring(bob, alice, "c1")
    await alice.ok("closeCall", {"chatId": bob.user, "callId": "c1"})
    await expect_end(bob, alice.user, "c1", "outgoing", "missed")
    first = [e for e in alice.events if e["eventType"] == "newCall"][-1]["payload"]["createdAt"]
    asked = {"chatId": alice.user, "callType": "audio", "callId": "c1"}
    assert await bob.ok("newCall", asked) == {"callId": "c1", "timestamp": first}
    await alice.barrier()
    alice.assert_no_event()
    # the message of a call whose callId was used for another message has no client id
    await bob.ok("new", {"chatId": alice.user, "message": "hi", "clientMessageId": "c3"})
    for heard in ("read", "new"):
        await alice.expect_event(heard)
    await ring(bob, alice, "c3")
    await alice.ok("closeCall", {"chatId": bob.user, "callId": "c3"})
    await expect_end(bob, alice.user, "c3", "outgoing", "missed")
    history = (await bob.ok("messages", {"chatId": alice.user, "count": 1}))["messages"]
    assert "clientMessageId" not in history[0]


async def test_missed(server, users):
    """The caller gives up, or the other declines; and a call that both leave is received."""
    alice, bob = [await server.connect(name) for name in users("alice", "bob")]
    for ender, other, direction in ((alice, bob, "incoming"), (bob, alice, "outgoing")):
        call_id = await ring(alice, bob)
        answer = await ender.ok("closeCall", {"chatId": other.user, "callId": call_id})
        assert answer["callDuration"] == 0
        assert await expect_end(other, ender.user, call_id, direction, "missed") == 0
    call_id = await ring(alice, bob)
    await join(alice, bob, call_id)
    assert await alice.ok("leaveCall", {"chatId": bob.user, "callId": call_id}) is None
    await bob.expect_event("leaveCall", chatId=alice.user, callId=call_id, userId=alice.user)
    assert await alice.ok("leaveCall", {"chatId": bob.user, "callId": call_id}) is None
    await bob.ok("leaveCall", {"chatId": alice.user, "callId": call_id})
    await expect_end(alice, bob.user, call_id, "outgoing", "received")


async def test_ring_timeout(start_server):
    server = start_server(plugins={"calls": {"ring_timeout": "100ms"}})
    alice, bob = await server.connect("alice"), await server.connect("bob")
    call_id = await ring(alice, bob)
    await expect_end(alice, "bob", call_id, "outgoing", "missed")
    await expect_end(bob, "alice", call_id, "incoming", "missed")
    assert server.metric("parlance_calls_missed_total") == 1
    assert server.metric("parlance_calls_active") == 0


async def test_vanishing(start_server):
    """Who comes back in time is in the call as before; who does not has left it."""
    server = start_server(plugins={"calls": {"reconnect_grace": "1m"}})
    alice, bob = await server.connect("alice"), await server.connect("bob")
    call_id = await ring(alice, bob)
    await join(alice, bob, call_id)
    await bob.kill()
    bob = await server.connect("bob")
    assert (await bob.ok("joinCall", {"chatId": "alice", "callId": call_id}))["participants"] == [
        "alice", "bob"]
    await alice.barrier()
    alice.assert_no_event()

    server = start_server(plugins={"calls": {"reconnect_grace": "100ms"}})
    alice, bob = await server.connect("alice"), await server.connect("bob")
    call_id = await ring(alice, bob)
    await join(alice, bob, call_id)
    await bob.kill()
    await alice.expect_event("leaveCall", chatId="bob", callId=call_id, userId="bob")
    await alice.kill()
    await eventually(lambda: server.metric("parlance_calls_received_total") == 1, "the end")
    bob = await server.connect("bob")
    await bob.expect_event("leaveCall", userId="bob")
    await expect_end(bob, "alice", call_id, "incoming", "received")
    # the caller is gone before anybody joined
    await ring(alice := await server.connect("alice", "other"), bob)
    await alice.kill()
    missed = await bob.expect_event("closeCall")
    assert missed["payload"]["status"] == "missed"


async def test_restart(make_server):
    """A call goes on while the server does not; and ends when nobody comes back to it."""
    server = make_server(storage=DURABLE, plugins={"calls": {}}).start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    call_id = await ring(alice, bob)
    await join(alice, bob, call_id)
    rings = await ring(alice, carol := await server.connect("carol"))
    server.kill()
    server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    assert (await bob.ok("joinCall", {"chatId": "alice", "callId": call_id}))["participants"] == [
        "alice", "bob"]
    await alice.fails("conflict", "newCall", {"chatId": "bob", "callType": "audio"})
    await bob.event("callSignal", {"chatId": "alice", "callId": call_id, "to": "alice", "data": 1})
    await eventually(lambda: any(e["eventType"] == "callSignal" for e in alice.events), "a signal")
    server.kill()
    server.config["plugins"]["calls"] = {"reconnect_grace": "100ms", "ring_timeout": "100ms"}
    server.start()
    await eventually(lambda: server.metric("parlance_calls_received_total") == 1 and
                     server.metric("parlance_calls_missed_total") == 1, "the end of both")
    carol = await server.connect("carol")
    await eventually(lambda: any(e["eventType"] == "call" for e in carol.events), "the end")
    ended = [e["payload"] for e in carol.events if e["eventType"] == "closeCall"]
    assert [(e["callId"], e["status"]) for e in ended] == [(rings, "missed")]
    bob = await server.connect("bob")
    await eventually(lambda: any(e["eventType"] == "call" for e in bob.events), "the end")
    ended = [e["payload"] for e in bob.events if e["eventType"] == "closeCall"]
    assert [(e["callId"], e["status"]) for e in ended] == [(call_id, "received")]


async def test_group(server, users):
    alice, bob, carol, dave = [await server.connect(name)
                               for name in users("alice", "bob", "carol", "dave")]
    chat = (await alice.ok("newChat", {"name": "us", "participants": [bob.user, carol.user]}))[
        "chatId"]
    for other in (bob, carol):
        await other.expect_event("newChat", chatId=chat)
    await dave.fails("not_found", "newCall", {"chatId": chat, "callType": "audio"})
    call_id = (await alice.ok("newCall", {"chatId": chat, "callType": "audio"}))["callId"]
    for other in (bob, carol):
        await other.expect_event("newCall", chatId=chat, callId=call_id, caller=alice.user)
    call = {"chatId": chat, "callId": call_id}
    for asks in ("joinCall", "closeCall"):
        await dave.fails("not_found", asks, call)
    error = await dave.fails("not_found", "newCall", {"chatId": chat, "callType": "audio"})
    assert "details" not in error
    error = await carol.fails("conflict", "newCall", {"chatId": chat, "callType": "audio"})
    assert error["details"] == {"callId": call_id}
    await bob.fails("forbidden", "closeCall", call)
    await bob.ok("joinCall", call)
    for other in (alice, carol):
        await other.expect_event("joinCall", userId=bob.user, **call)
    signal = {**call, "to": bob.user, "data": {"sdp": "x"}}
    await carol.event("callSignal", signal)  # takes no part
    await alice.event("callSignal", signal)
    await bob.expect_event("callSignal", chatId=chat, **{"from": alice.user})
    await alice.ok("removeParticipants", {"chatId": chat, "participants": [bob.user]})
    await bob.expect_event("deleteChat", chatId=chat)
    await carol.expect_event("updateChat")
    for other in (alice, carol):  # he has left the call with the group
        await other.expect_event("leaveCall", userId=bob.user, **call)
    await bob.ok("leaveCall", call)
    for asks in ("joinCall", "closeCall"):
        await bob.fails("not_found", asks, call)
    await bob.event("callSignal", {**call, "to": alice.user, "data": "out"})
    await alice.event("callSignal", {**call, "to": bob.user, "data": "in"})
    await bob.barrier()
    bob.assert_no_event()
    alice.assert_no_event()
    await alice.ok("closeCall", call)
    await expect_end(carol, chat, call_id, "incoming", "received")
    await bob.barrier()
    bob.assert_no_event()
    history = (await alice.ok("messages", {"chatId": chat}))["messages"]
    assert history[-1]["payload"] == {"direction": "outgoing", "status": "received",
                                      "callType": "audio"}


async def test_group_at_once(server, users):
    """All join and leave in one moment, also with the group; the last one ends the call."""
    everybody = [await server.connect(name) for name in users(*(f"u{n:02}" for n in range(16)))]
    alice, others = everybody[0], everybody[1:]
    chat = (await alice.ok("newChat", {"name": "us", "participants": [o.user for o in others]}))[
        "chatId"]
    call = {"chatId": chat}
    call["callId"] = (await alice.ok("newCall", {**call, "callType": "audio"}))["callId"]
    await asyncio.gather(*(other.ok("joinCall", call) for other in others))
    joined = (await alice.ok("joinCall", call))["participants"]
    assert sorted(joined) == [one.user for one in everybody]
    removed, leaving, staying = others[:4], others[4:8], others[8:]
    await asyncio.gather(
        alice.ok("removeParticipants", {"chatId": chat, "participants": [r.user for r in removed]}),
        *(one.ok("leaveChat", {"chatId": chat}) for one in leaving),
        *(one.ok("leaveCall", call) for one in (alice, *staying)))
    last = staying[0]
    await eventually(lambda: any(e["eventType"] == "call" for e in last.events), "the end")
    left = [e["payload"]["userId"] for e in last.events if e["eventType"] == "leaveCall"]
    assert len(left) == len(set(left)) and set(left) < {one.user for one in everybody}
    ended = [e["payload"] for e in last.events if e["eventType"] in ("closeCall", "call")]
    assert [(e["chatId"], e["status"]) for e in ended] == [(chat, "received")] * 2
    messages = (await last.ok("messages", {"chatId": chat}))["messages"]
    assert [m["type"] for m in messages] == ["call"]


async def group_call(everybody, join=()):
    """A call that the first one began, heard of by all; some have joined."""
    caller, others = everybody[0], everybody[1:]
    chat = (await caller.ok("newChat", {"name": "us", "participants": [o.user for o in others]}))[
        "chatId"]
    call = {"chatId": chat, "callId": "c1"}
    await caller.ok("newCall", {**call, "callType": "audio"})
    for one in join:
        await one.ok("joinCall", call)
    for one in others:
        await one.expect_event("newChat", chatId=chat)
        await one.expect_event("newCall", **call)
        for joined in join:
            if joined is not one:
                await one.expect_event("joinCall", userId=joined.user, **call)
    return call


async def test_the_caller_leaves_the_group(server, users):
    """The others are told how the call ended all the same, in the name of one of them."""
    alice, bob, carol, dave = everybody = [await server.connect(name)
                                           for name in users("alice", "bob", "carol", "dave")]
    # those who are in it go on, and it is one of them who stands for it
    call = await group_call(everybody, (bob, carol))
    chat = {"chatId": call["chatId"]}
    await alice.ok("leaveChat", chat)
    for other in (bob, carol, dave):
        await other.expect_event("updateChat", removed=[alice.user])
        await other.expect_event("leaveCall", userId=alice.user, **call)
    await alice.fails("not_found", "closeCall", call)
    await bob.ok("leaveCall", call)
    for other in (carol, dave):
        await other.expect_event("leaveCall", userId=bob.user, **call)
    answer = await carol.ok("closeCall", call)
    for other in (bob, dave):
        await expect_end(other, chat["chatId"], "c1", "incoming", "received")
        message = (await other.ok("messages", chat))["messages"][-1]
        assert message["sender"] == carol.user and "clientMessageId" not in message
        assert message["messageId"] == answer["messageId"]
    assert (await dave.ok("chat", chat))["missed"] == 1
    # nobody who was in it is in the group: the rest miss a call
    call = await group_call(everybody)
    chat = {"chatId": call["chatId"]}
    await alice.ok("leaveChat", chat)
    for other in (bob, carol, dave):
        await other.expect_event("updateChat", removed=[alice.user])
        await expect_end(other, chat["chatId"], "c1", "incoming", "missed")
    await alice.fails("not_found", "leaveCall", call)
    assert not [e for e in alice.events if e["eventType"] in ("leaveCall", "closeCall", "call")]
    # the group is deleted: no message, and no call
    call = await group_call(everybody, (bob,))
    await alice.ok("deleteChat", {"chatId": call["chatId"]})
    for other in (bob, carol, dave):
        await other.expect_event("deleteChat", chatId=call["chatId"])
    while "error" not in await bob.request("leaveCall", call):
        pass
    for one in everybody:
        await one.barrier()
        assert not [e for e in one.events if e["eventType"] in ("leaveCall", "closeCall", "call")
                    and e["payload"]["chatId"] == call["chatId"]]


async def test_removed_after_a_restart(make_server):
    """A server that has just begun knows of no call by itself."""
    server = make_server(storage=DURABLE, plugins={"calls": {}, "groups": {}}).start()
    everybody = [await server.connect(name) for name in ("alice", "bob", "carol")]
    call = await group_call(everybody, everybody[1:])
    server.kill()
    server.start()
    alice, bob, carol = [await server.connect(name) for name in ("alice", "bob", "carol")]
    await alice.ok("removeParticipants", {"chatId": call["chatId"], "participants": ["bob"]})
    await eventually(lambda: any(e["eventType"] == "leaveCall" for e in carol.events), "his end")
    await bob.event("callSignal", {**call, "to": "carol", "data": 1})
    await bob.fails("not_found", "closeCall", call)
    assert (await carol.ok("joinCall", call))["participants"] == ["alice", "carol"]
    assert server.metric("parlance_calls_removed_total") == 1
    assert not [e for e in carol.events if e["eventType"] == "callSignal"]


async def test_who_signals_on_no_call_makes_nobody_wait(server, users):
    """Nor do the signals of the others count for what he may have waiting."""
    alice, bob, carol = [await server.connect(name) for name in users("alice", "bob", "carol")]
    call_id = await ring(alice, bob)
    await join(alice, bob, call_id)
    dropped = server.metric("parlance_calls_signals_dropped_total")
    for number in range(400):
        await carol.event("callSignal", {"chatId": bob.user, "callId": "none", "to": bob.user,
                                         "data": number})
    for number in range(40):
        await alice.event("callSignal", {"chatId": bob.user, "callId": call_id, "to": bob.user,
                                         "data": number})
    for number in range(40):
        await bob.expect_event("callSignal", data=number)
    await carol.barrier()
    await eventually(lambda: server.metric("parlance_calls_signals_dropped_total") ==
                     dropped + 400, "all of carol's")
    bob.assert_no_event()


@pytest.mark.parametrize("asks, payload, path", [
    ("newCall", {}, "chatId"),
    ("newCall", {"chatId": 7, "callType": "audio"}, "chatId"),
    ("newCall", {"chatId": "bob"}, "callType"),
    ("newCall", {"chatId": "bob", "callType": "smoke"}, "callType"),
    ("newCall", {"chatId": "bob", "callType": "audio", "callId": "x" * 129}, "callId"),
    ("newCall", {"chatId": "bob", "callType": "audio", "callId": None}, "callId"),
    ("joinCall", {"chatId": "bob"}, "callId"),
    ("joinCall", {"chatId": "a\u0007", "callId": "c"}, "chatId"),
    ("leaveCall", {"callId": "c"}, "chatId"),
    ("closeCall", {"chatId": "bob", "callId": ["c"]}, "callId"),
])
async def test_bad_requests(server, users, asks, payload, path):
    alice = await server.connect(users("alice"))
    await alice.fails("bad_payload", asks, payload, path)


async def test_refusals(server, users):
    """Nothing is stored, and nobody is told."""
    alice, bob, carol = [await server.connect(name) for name in users("alice", "bob", "carol")]
    await alice.fails("bad_payload", "newCall", {"chatId": alice.user, "callType": "audio"},
                      "chatId")
    call_id = await ring(alice, bob)
    for asks in ("joinCall", "leaveCall", "closeCall"):
        await alice.fails("not_found", asks, {"chatId": bob.user, "callId": "other"})
        await carol.fails("not_found", asks, {"chatId": alice.user, "callId": call_id})
        await carol.fails("not_found", asks, {"chatId": bob.user, "callId": call_id})
    await bob.fails("not_found", "leaveCall", {"chatId": alice.user, "callId": call_id})
    good = {"chatId": alice.user, "callId": call_id, "to": alice.user, "data": 1}
    for name, value, path in (("chatId", 1, "chatId"), ("callId", "", "callId"),
                              ("to", None, "to"), ("to", carol.user, "to")):
        who, signal = (carol if value == carol.user else bob), {**good, name: value}
        await who.event("callSignal", signal)
        answer = await who.response(None)
        assert answer["error"]["details"]["path"] == path
    for signal in ({**good, "callId": "other"}, {**good, "to": carol.user},
                   {**good, "chatId": carol.user}):
        await bob.event("callSignal", signal)
    await carol.event("callSignal", {**good, "data": "mine"})
    await carol.barrier()
    await bob.event("callSignal", good)
    await alice.expect_event("callSignal", data=1)
    payloads = [{"chatId": f"{alice.user}.{number}", "callType": "audio", "callId": "c"}
                for number in range(20)]
    asked = [await alice.begin("newCall", payload) for payload in payloads]
    answers = [await alice.response(one) for one in asked]
    last = max(number for number, answer in enumerate(answers) if "payload" in answer)
    assert await alice.ok("newCall", payloads[last]) == answers[last]["payload"]
    assert [a["error"]["code"] for a in answers if "error" in a] == ["forbidden"] * 5
    await alice.fails("forbidden", "newCall", {"chatId": carol.user, "callType": "audio"})
    await carol.barrier()
    carol.assert_no_event()
    alice.assert_no_event()
