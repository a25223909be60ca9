# SPDX-License-Identifier: BSD-2-Clause
"""Plays a dialogue script (dialogue.py) against a server: tests/dialogues/README.md
says what each step does. One Player a script; one Line a connection of it.

A step waits for what it says and for nothing else. What others did before has taken
effect by then: before a step of another connection all that a connection sent is
settled(), and after the last step ended() shows that nothing came besides what the
script says."""
import itertools
import json
import re

from client import Client, Closed
from dialogue import Mismatch, Mistake, Name, fill, match, said, show
from harness import eventually, in_thread

EPHEMERAL = ("typing", "online", "offline", "callSignal")


class Line(Client):
    """A connection that says nothing by itself, and remembers what nobody looked at yet."""

    def __init__(self, *arguments):
        super().__init__(*arguments, auto_ack=False)
        self.asked = []  # the ids of requests whose answers no step has looked at
        self.own = set()  # the ids of all requests that steps made
        self.unsettled = True
        self.heard = 0  # how many of `texts` were looked at by `hears`
        self.unacked = []
        self.numbers = itertools.count(1)

    async def settled(self):
        """All that was sent has taken effect. Answers that no step was about are good ones."""
        if not self.unsettled or self.over:
            return
        while self.asked:
            answer = await self.answer()
            if "error" in answer:
                raise Mismatch(f"{self.user}: nobody expected the refusal {show(answer)}")
        await self.barrier()
        self.unsettled = False
        self.looked_at()

    async def answer(self):
        """To the first request that was not looked at; its envelope must be sound."""
        if not self.asked:
            raise Mistake("there is no request whose answer was not looked at")
        request = self.asked.pop(0)
        answer = await self.response(request)
        wanted = {"type": "response", "timestamp": Name("_"), "id": request}
        wanted.update({key: Name("_") for key in ("payload", "error") if key in answer})
        match(wanted, answer, {}, "response")
        if "payload" in answer and "error" in answer:
            raise Mismatch(f"payload and error: {show(answer)}")
        return answer

    def looked_at(self):
        """There is no answer too many."""
        if self.unheard():
            raise Mismatch(f"{self.user}: nobody expected {show(self.unheard())}")
        for request in self.own:
            if self.responses.get(request):
                raise Mismatch(f"{self.user}: more than one response to {request!r}")

    async def barrier(self):
        await self.ok("chats", {"count": 1}, id=f"barrier {next(self.numbers)}")

    async def ask(self, kind, payload, request_id):
        request = await self.begin(kind, payload, id=request_id or f"step {next(self.numbers)}")
        self.asked.append(request)
        self.own.add(request)
        self.unsettled = True

    def unheard(self):
        """What is neither an event nor the answer to a `sends`, and was not looked at."""
        for number in range(self.heard, len(self.texts)):
            message = json.loads(self.texts[number])
            request = str(message.get("id"))
            if (message.get("type") != "event" and request not in self.own
                    and not request.startswith("barrier ")):
                self.heard = number
                return message
        self.heard = len(self.texts)
        return None

    async def next_event(self):
        """The very next event, whose envelope must be sound."""
        await self.until(lambda: len(self.events) > self.taken, "event")
        event = self.events[self.taken]
        self.taken += 1
        match(self.taken, event.get("id"), {}, "id")
        stored = event.get("eventType") not in EPHEMERAL
        if stored != isinstance(event.get("seq"), int):
            raise Mismatch(f"seq: {'expected' if stored else 'not expected'}, came {show(event)}")
        last = self.events[self.taken - 2]["timestamp"] if self.taken > 1 else 0
        if not isinstance(event.get("timestamp"), int) or event["timestamp"] < last:
            raise Mismatch(f"timestamp: an integer not below {last} expected, came {show(event)}")
        self.unacked.append(event)
        return event

    def no_event(self):
        if len(self.events) > self.taken:
            raise Mismatch(f"{self.user}: nobody expected {show(self.events[self.taken])}")


class Player:
    def __init__(self, script, server, suffix):
        self.script = script
        self.server = server
        self.names = {user: user + suffix for user in script.users}
        self.lines = {}

    async def play(self):
        """Returns where the server and the script disagree, or None."""
        for step in self.script.steps:
            try:
                await self.do(step)
            except (Mismatch, Mistake, AssertionError, Closed) as error:
                return self.report(step, error)
        try:
            await self.ended()
        except (Mismatch, AssertionError, Closed) as error:
            return "after the last step\n" + self.report(step, error)
        return None

    def report(self, step, error):
        line = self.lines.get(step.who)
        came = "\n".join(f"    {text}" for text in (line.texts[-4:] if line else ()))
        return (f"{self.script.path}:{step.line}: {step.text}\n  {error}\n"
                f"  the last that came on this connection:\n{came or '    nothing'}\n"
                f"  names: {show(self.names)}")

    async def do(self, step):
        for who, line in self.lines.items():
            if who != step.who:
                await line.settled()
        if step.verb == "connects":
            return await self.connects(step)
        if step.who is None:
            return await self.server_does(step)
        line = self.lines.get(step.who)
        if line is None:
            raise Mistake(f"{step.who} is not connected")
        do = getattr(self, "do_" + step.verb.replace(" ", "_"))
        for number in range(1, step.times + 1):
            if step.times > 1:
                self.names["n"] = number
            await do(line, step)
        return None

    # --- connections

    async def connects(self, step):
        name = step.who.split("#")[0]
        user, _, device = name.partition("'s ")
        line = await Line(self.server, self.names[user], device or None).open()
        self.lines[step.who] = line

    async def do_disconnects(self, line, step):
        await self.leave(line, step)
        line.no_event()
        await line.close()

    async def do_vanishes(self, line, step):
        await self.leave(line, step)
        await line.kill()

    async def leave(self, line, step):
        await line.settled()
        del self.lines[step.who]

    async def do_is_closed_with(self, line, step):
        match(step.kind, await line.closed(), self.names, "close code")
        del self.lines[step.who]

    async def server_does(self, step):
        if step.verb == "counts":
            wanted = fill(step.payload, self.names)
            return await eventually(lambda: self.server.metric(step.kind) == wanted, step.text)
        await in_thread(self.server.stop if step.verb == "restarts" else self.server.kill)
        for line in self.lines.values():
            await line.closed()
            line.no_event()
        self.lines.clear()
        self.server.start()
        return None

    # --- what is sent

    async def do_sends(self, line, step):
        request_id = fill(step.more["id"], self.names) if "id" in step.more else None
        await line.ask(step.kind, self.filled(step), request_id)

    async def do_signals(self, line, step):
        await line.event(step.kind, self.filled(step))
        line.unsettled = True

    def filled(self, step):
        return None if step.payload is None else fill(step.payload, self.names)

    async def do_says(self, line, step):
        await line.send(said(step.payload, self.names))
        line.unsettled = True

    async def do_acks(self, line, step):
        if step.payload == "all":
            for event in line.unacked:
                await line.ack(event)
            line.unacked.clear()
        elif step.payload == "last":
            await line.ack(line.unacked.pop())
        else:
            await line.send({"type": "ack", "id": fill(step.payload, self.names)})
        line.unsettled = True

    # --- what comes

    async def do_is_answered(self, line, step):
        answer = await line.answer()
        if "error" in answer:
            raise Mismatch(f"refused: {show(answer['error'])}")
        if step.payload is not None:
            match(step.payload, answer.get("payload"), self.names, "payload")

    async def do_is_refused(self, line, step):
        answer = await line.answer()
        if "error" not in answer:
            raise Mismatch(f"not refused: {show(answer)}")
        error = answer["error"]
        match(step.kind, error["code"], self.names, "code")
        if not isinstance(error.get("message"), str) or not error["message"]:
            raise Mismatch(f"no message: {show(error)}")
        if "path" in step.more:
            match(step.more["path"], error.get("details", {}).get("path"), self.names, "path")
        if step.payload is not None:
            match(step.payload, error.get("details"), self.names, "details")

    async def do_hears(self, line, step):
        await line.until(line.unheard, "message")
        message = line.unheard()
        line.heard += 1
        match(step.payload, message, self.names, "message")

    async def do_gets(self, line, step):
        self.check(step, await line.next_event(), self.names)

    @staticmethod
    def check(step, event, names):
        match(step.kind, event["eventType"], names, "eventType")
        match(True if step.more["again"] else None, event.get("redelivered"), names,
              "redelivered")
        if step.payload is not None:
            match(step.payload, event.get("payload"), names, "payload")
        for field in ("id", "seq"):
            if field in step.more:
                match(step.more[field], event.get(field), names, field)

    async def do_gets_in_any_order(self, line, step):
        wanted = list(step.payload)
        for _ in step.payload:
            event = await line.next_event()
            wanted.remove(self.first_like(wanted, event))

    def first_like(self, wanted, event):
        for step in wanted:
            names = dict(self.names)
            try:
                self.check(step, event, names)
            except Mismatch:
                continue
            self.names.update(names)
            return step
        raise Mismatch(f"none of {[step.text for step in wanted]}: {show(event)}")

    async def do_gets_nothing(self, line, step):
        del step
        line.unsettled = True
        await line.settled()
        line.no_event()

    # --- the end

    async def ended(self):
        """Nothing came besides: the next event of everybody is one that is made now."""
        for line in self.lines.values():
            await line.settled()
            for event in line.unacked:
                await line.ack(event)
            line.unacked.clear()
        end = await self.server.connect("the end of " + next(iter(self.names.values())))
        for user in {line.user for line in self.lines.values()}:
            await end.new(user, "the end")
        for line in self.lines.values():
            event = await line.next_event()
            while event["payload"].get("userId") == end.user:
                event = await line.next_event()  # that he is online
            if event["payload"].get("sender") != end.user:
                raise Mismatch(f"{line.user}: nobody expected {show(event)}")


def file_name(path):
    return re.sub(r".*/|\.dialogue$", "", path)
