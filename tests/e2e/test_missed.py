# SPDX-License-Identifier: BSD-2-Clause
"""What is missed is right at any time, whatever is done at once: docs/protocol.md, Chats and
messages. It is counted anew from what each one's own history shows, and how far his marks go."""
import asyncio
import random

import pytest


class Reader:
    """One who writes, reads, edits and deletes, and keeps how far he has read."""

    def __init__(self, client, chats, seed):
        self.client, self.chats, self.random = client, chats, random.Random(seed)
        self.read = {chat: 0 for chat in chats}
        self.mine = {chat: [] for chat in chats}

    async def act(self):
        chat = self.random.choice(self.chats)
        way = self.random.random()
        if way < 0.5:
            self.mine[chat].append((await self.client.new(chat, "x"))["messageId"])
        elif way < 0.75:
            answer = await self.client.request("read", {"chatId": chat})
            if "error" not in answer:  # else nobody has written yet
                marked = answer["payload"]["messageId"]
                assert marked >= self.read[chat], "a mark went backwards"
                self.read[chat] = marked
        elif self.mine[chat]:
            what = {"chatId": chat, "originalMessageId": self.random.choice(self.mine[chat])}
            if way < 0.9:
                await self.client.ok("delete", what)
            else:
                await self.client.request("edit", {**what, "message": "y"})

    async def hide(self):
        """What another wrote, from his own eyes."""
        chat = self.random.choice(self.chats)
        for message in (await self.client.ok("messages", {"chatId": chat}))["messages"]:
            if message["type"] == "new" and message["sender"] != self.client.user:
                await self.client.ok("delete", {"chatId": chat, "for": "me",
                                                "messageId": message["messageId"]})
                return

    async def count(self, chat):
        """What is missed by him in this chat."""
        found, end = [], {}
        while True:
            page = await self.client.ok("messages", {"chatId": chat, "count": 500, **end})
            found = page["messages"] + found
            if not page["hasMore"]:
                break
            end = {"endId": found[0]["messageId"]}
        read = self.read[chat]
        if not chat.startswith("grp_"):  # who writes into a dialog has read it
            read = max([read] + self.mine[chat])
        return [m["messageId"] for m in found
                if m["messageId"] > read and m["type"] == "new" and "deletedAt" not in m and
                m["sender"] != self.client.user]


@pytest.mark.parametrize("rounds", [12, pytest.param(300, marks=pytest.mark.long)])
async def test_missed_by_recount(start_server, users, rounds):
    server = start_server(plugins={"groups": {}})
    names = users(*"abcdef")
    clients = [await server.connect(name) for name in names]
    group = (await clients[0].ok("newChat", {"name": "g", "participants": names[1:]}))["chatId"]
    readers = [Reader(client, [group, *(set(names) - {client.user})], seed)
               for seed, client in enumerate(clients)]

    async def work(reader):
        for _ in range(rounds):
            await reader.act()
            if reader.random.random() < 0.1:
                await reader.hide()

    for _ in range(3):
        await asyncio.gather(*(work(reader) for reader in readers))
        for reader in readers:
            listed = (await reader.client.ok("chats", {"count": 500}))["chats"]
            for chat in listed:
                missed = await reader.count(chat["id"])
                assert chat["missed"] == len(missed), (reader.client.user, chat, missed)
                assert chat.get("firstMissed") == (missed[0] if missed else None), chat
