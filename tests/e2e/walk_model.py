# SPDX-License-Identifier: BSD-2-Clause
"""What a server must say, for the random walk (test_random_walk.py): docs/protocol.md, from
Events to Groups, once more, written as plainly as can be and counting everything anew each time;
calls are in walk_calls.py, and what is not stored in walk_presence.py. Each request is a method; it
returns the payload of the answer, as far as it can be known, or raises Refused; and it appends to
`streams` what each user must be told.

A user's stream is a list of (eventType, payload, device): the device is the one that did it
and need not be told, or None. An event's place in the list is its seq.
"""


class Refused(Exception):
    """With the code of the error, and its details where they are to be judged."""

    def __init__(self, code, **details):
        super().__init__(code)
        self.details = details


def is_group(chat_id):
    return chat_id.startswith("grp_")


class Message:
    def __init__(self, number, sender, kind, text=None, client=None, original=None, call=None):
        self.id, self.sender, self.kind, self.text, self.client = number, sender, kind, text, client
        self.original = original  # of an edit or a deletion
        self.call = call  # that it tells of: walk_calls.py
        self.deletion = None
        self.hidden = set()

    @property
    def service(self):
        return self.kind in ("edit", "delete")


class Member:
    def __init__(self, role=None, since=0, order=0, joined=0):
        self.role, self.since, self.order, self.joined = role, since, order, joined
        self.read = self.delivered = self.theirs = 0


class Chat:
    def __init__(self, name=None):
        self.name, self.messages, self.members = name, [], {}

    def get(self, number):
        return self.messages[number - 1] if 0 < number <= len(self.messages) else None

    def missed(self, user):
        member = self.members[user]
        return [m.id for m in self.messages
                if m.id > max(member.read, member.since) and m.sender != user and not m.service
                and m.deletion is None and user not in m.hidden]

    def shown(self, user):
        return [m for m in self.messages
                if m.id > self.members[user].since and user not in m.hidden]


class Model:
    def __init__(self, users, two_devices):
        self.users, self.two_devices = users, two_devices
        self.dialogs, self.groups = {}, {}
        self.streams = {user: [] for user in users}
        self.clock = 0  # orders chats
        self.now = 0  # of the answer to the request under way
        self.span = (0, 0)  # when it took effect: not before the last one, and not after
        self.actor = None  # (user, device) of the request under way

    # --- helpers

    def answered(self, actor, answer):
        """What the methods are about from here on."""
        self.actor = actor
        self.now = (answer.get("payload") or {}).get("timestamp", answer["timestamp"])
        self.span = (self.span[1], answer["timestamp"])

    def find(self, user, chat_id):
        """The chat as the user may reach it, or None."""
        if is_group(chat_id):
            chat = self.groups.get(chat_id)
            return chat if chat and user in chat.members else None
        return self.dialogs.get(frozenset((user, chat_id)))

    def open(self, user, chat_id):
        """The same; a dialog is there from now on."""
        if is_group(chat_id):
            return self.must(user, chat_id)
        pair = frozenset((user, chat_id))
        chat = self.dialogs.setdefault(pair, Chat())
        for one in pair:
            chat.members.setdefault(one, Member())
        return chat

    def peers(self, user):
        """With whom he shares a dialog."""
        return {other for pair in self.dialogs if user in pair for other in pair - {user}}

    def must(self, user, chat_id):
        chat = self.find(user, chat_id)
        if chat is None:
            raise Refused("not_found")
        return chat

    def tell(self, user, kind, **payload):
        own = user == self.actor[0]
        if own and user not in self.two_devices:
            return
        self.streams[user].append((kind, payload, self.actor[1] if own else None))

    def tell_all(self, chat, chat_id, kind, missed=False, **payload):
        for user in list(chat.members):
            more = {"missed": len(chat.missed(user))} if missed else {}
            self.tell(user, kind, chatId=self.named(chat_id, user), **payload, **more)

    def named(self, chat_id, reader):
        """The actor's chatId as the reader names the chat."""
        actor = self.actor[0]
        return chat_id if is_group(chat_id) or reader == actor else actor

    def append(self, chat, sender, kind, **content):
        message = Message(len(chat.messages) + 1, sender, kind, **content)
        chat.messages.append(message)
        self.clock += 1
        for user, member in chat.members.items():
            if user != sender:
                member.theirs = message.id
            if not message.service:
                member.order = self.clock
        return message

    # --- messaging

    def new(self, chat_id, message, clientMessageId):
        user = self.actor[0]
        chat = self.open(user, chat_id)
        for first in chat.messages:
            if first.sender == user and first.client == clientMessageId:
                return {"messageId": first.id}
        made = self.append(chat, user, "new", text=message, client=clientMessageId)
        if not is_group(chat_id):
            self.mark(chat, chat_id, user, "read", 0)
        self.tell_all(chat, chat_id, "new", missed=True, sender=user, messageId=made.id,
                      message=message, clientMessageId=clientMessageId)
        return {"messageId": made.id, "clientMessageId": clientMessageId}

    def target(self, chat, user, number):
        message = chat.get(number)
        if message is None or message.service or message.id <= chat.members[user].since:
            raise Refused("not_found")
        return message

    def edit(self, chat_id, originalMessageId, message, clientMessageId):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        original = self.target(chat, user, originalMessageId)
        if user in original.hidden:
            raise Refused("not_found")
        if original.sender != user:
            raise Refused("forbidden")
        if original.deletion is not None:
            raise Refused("not_found")
        if original.kind != "new":
            raise Refused("forbidden")
        original.text = message
        made = self.append(chat, user, "edit", client=clientMessageId, original=original.id)
        self.tell_all(chat, chat_id, "edit", sender=user, messageId=made.id, message=message,
                      originalMessageId=original.id)
        return {"messageId": made.id}

    def delete(self, chat_id, originalMessageId):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        original = self.target(chat, user, originalMessageId)
        if original.deletion is not None and original.sender == user:
            return {"messageId": original.deletion}
        if user in original.hidden:
            raise Refused("not_found")
        if original.sender != user:
            raise Refused("forbidden")
        original.deletion = len(chat.messages) + 1
        original.text = None
        made = self.append(chat, user, "delete", original=original.id)
        self.tell_all(chat, chat_id, "delete", sender=user, messageId=made.id,
                      originalMessageId=original.id)
        return {"messageId": made.id}

    def hide(self, chat_id, originalMessageId):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        original = self.target(chat, user, originalMessageId)
        if user not in original.hidden:
            original.hidden.add(user)
            self.tell(user, "delete", chatId=chat_id, originalMessageId=original.id)
        return {"messageId": original.id}

    def mark(self, chat, chat_id, user, kind, upto):
        """The message that is marked by now, or None."""
        member = chat.members[user]
        if upto > len(chat.messages):
            return None
        upto = member.theirs if upto == 0 else min(upto, member.theirs)
        while upto > 0 and chat.get(upto).sender == user:
            upto -= 1
        if upto <= member.since:
            return None
        covered = max(member.read if kind == "read" else member.delivered, member.since)
        if upto > covered:
            member.delivered = max(member.delivered, upto)
            if kind == "read":
                member.read = upto
            self.tell_mark(chat, chat_id, user, kind, covered, upto)
        return upto

    def tell_mark(self, chat, chat_id, user, kind, covered, upto):
        if is_group(chat_id):
            told = {m.sender for m in chat.messages[covered:upto][-256:]} & set(chat.members)
        else:
            told = set(chat.members)
        for other in told - {user}:
            self.tell(other, kind, chatId=self.named(chat_id, other), userId=user, messageId=upto)
        if kind == "read":
            self.tell(user, kind, chatId=chat_id, userId=user, messageId=upto)

    def receipt(self, kind, chat_id, messageId=0):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        marked = self.mark(chat, chat_id, user, kind, messageId)
        if marked is None:
            raise Refused("not_found")
        member = chat.members[user]
        answer = {"messageId": marked}
        if kind == "read":
            answer["missed"] = len(chat.missed(user))
        assert marked <= max(member.read, member.delivered)
        return answer

    # --- groups

    def join(self, chat, user, role):
        self.clock += 1
        chat.members[user] = Member(role, len(chat.messages), self.clock, self.now)

    def new_chat(self, chat_id, name, participants):
        user = self.actor[0]
        chat = self.groups[chat_id] = Chat(name)
        self.join(chat, user, "owner")
        for other in sorted(set(participants) - {user}):
            self.join(chat, other, "member")
        self.tell_all(chat, chat_id, "newChat", name=name, userId=user, members=len(chat.members))

    def may(self, chat, user, *roles):
        if chat.members[user].role not in roles:
            raise Refused("forbidden")

    def add(self, chat_id, participants):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        self.may(chat, user, "owner", "admin")
        added = sorted(set(participants) - set(chat.members))
        before = list(chat.members)
        for other in added:
            self.join(chat, other, "member")
        count = {"userId": user, "members": len(chat.members)}
        for other in added:
            self.tell(other, "newChat", chatId=chat_id, name=chat.name, **count)
        for other in before if added else ():
            self.tell(other, "updateChat", chatId=chat_id, added=added, **count)
        return {"members": len(chat.members)}

    def remove(self, chat_id, participants):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        self.may(chat, user, "owner", "admin")
        removed = sorted(set(participants) & set(chat.members))
        ranks = {"member": 0, "admin": 1, "owner": 2}
        for other in removed:
            if other == user or ranks[chat.members[other].role] >= ranks[chat.members[user].role]:
                raise Refused("forbidden")
        self.part(chat, chat_id, removed)
        return {"members": len(chat.members)}

    def part(self, chat, chat_id, gone, **more):
        for other in gone:
            del chat.members[other]
            self.tell(other, "deleteChat", chatId=chat_id, userId=self.actor[0])
        for other in chat.members if gone else ():
            self.tell(other, "updateChat", chatId=chat_id, userId=self.actor[0], removed=gone,
                      members=len(chat.members), **more)

    def leave(self, chat_id):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        followed = {}
        if chat.members[user].role == "owner":
            others = {name: member for name, member in chat.members.items() if name != user}
            for role in ("admin", "member"):
                heirs = [name for name, member in others.items() if member.role == role]
                if heirs:
                    # who joined in one request joined at one moment
                    heir = min(heirs, key=lambda name: (others[name].joined, name))
                    others[heir].role = "owner"
                    followed = {"owner": heir}
                    break
        self.part(chat, chat_id, [user], **followed)
        if not chat.members:
            del self.groups[chat_id]
        return {"members": len(chat.members)}

    def drop(self, chat_id):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        self.may(chat, user, "owner")
        for other in chat.members:
            self.tell(other, "deleteChat", chatId=chat_id, userId=user)
        del self.groups[chat_id]
        return {"members": 0}

    def rename(self, chat_id, name):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        self.may(chat, user, "owner", "admin")
        if chat.name != name:
            chat.name = name
            self.tell_all(chat, chat_id, "updateChat", userId=user, name=name,
                          members=len(chat.members))
        return {"members": len(chat.members)}

    def promote(self, chat_id, role, other):
        user = self.actor[0]
        chat = self.must(user, chat_id)
        so_already = (role == "owner" and other != user and other in chat.members
                      and chat.members[other].role == "owner")
        if not so_already:
            self.may(chat, user, "owner")
        if other not in chat.members:
            raise Refused("not_found")
        if other == user:
            raise Refused("forbidden")
        if chat.members[other].role != role:
            chat.members[other].role = role
            followed = {}
            if role == "owner":
                chat.members[user].role = "admin"
                followed = {"owner": other}
            self.tell_all(chat, chat_id, "updateChat", userId=user, role=role, users=[other],
                          members=len(chat.members), **followed)
        return {"members": len(chat.members)}

    # --- what is shown

    def chats(self, user):
        """The list, latest first."""
        mine = [(chat_id, chat) for chat_id, chat in self.groups.items() if user in chat.members]
        for pair, chat in self.dialogs.items():
            if user in pair and chat.messages:
                mine.append((next(iter(pair - {user}), user), chat))
        mine.sort(key=lambda pair: -pair[1].members[user].order)
        return [self.entry(user, chat_id, chat) for chat_id, chat in mine]

    @staticmethod
    def entry(user, chat_id, chat):
        kind = "group" if chat.name is not None else "favorites" if chat_id == user else "dialog"
        last = [m for m in chat.shown(user) if not m.service]
        missed = chat.missed(user)
        entry = {"id": chat_id, "type": kind, "missed": len(missed),
                 "isMine": bool(last) and last[-1].sender == user}
        if chat.name is not None:
            entry["name"] = chat.name
        if last:
            entry["lastMessageId"] = last[-1].id
        if missed:
            entry["firstMissed"] = missed[0]
        return entry

    def history(self, user, chat_id):
        """All that is shown, ascending; a dialog that is not there is empty."""
        chat = self.find(user, chat_id)
        if chat is None:
            if is_group(chat_id):
                raise Refused("not_found")
            return []
        return [(m.id, m.sender, m.kind, m.text, m.client, self.called(m, user))
                for m in chat.shown(user)]

    @staticmethod
    def called(message, reader):
        gone = message.call is None or message.deletion is not None
        return None if gone else message.call.seen_by(reader)
