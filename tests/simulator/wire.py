"""The line between a shop and the hub as a function call, with everything that happens to bytes on their way.

What was sent and answered is kept: old requests are sent again, late ones arrive late, and at the end of a run every
answer is searched for rows that should never have left the hub.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopnode.sync.transport import Answer, LinkDown
from tests.simulator.plugs import Killed

if TYPE_CHECKING:
    from tests.simulator.places import Computer
    from tests.simulator.world import World


@dataclass(frozen=True)
class Sent:
    """A request as it was put on the line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Wire:
    """One computer's way to the hub. `quiet` is the healed line: nothing happens to anything."""

    def __init__(self, world: World, computer: Computer):
        self.world = world
        self.computer = computer
        self.requests: list[Sent] = []
        self.answers: list[bytes] = []  # bodies as they came, each with its encoding before it
        self.late: list[Sent] = []
        self._last: Answer | None = None

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        sent = Sent(method, target, headers, body)
        self.requests.append(sent)
        mishap = self.world.swarm.mishap_on_the_line()
        if mishap is None:
            return self._kept(self.deliver(sent))
        self.world.count(mishap)
        return self._kept(MISHAPS[mishap](self, sent))

    def deliver(self, sent: Sent) -> Answer:
        """The request reaches the hub and its answer comes back. The hub may die over it."""
        plug, before = self.world.plug, self.world.plug.side
        plug.side = "hub"
        try:
            client = self.world.app.test_client()
            fixed = {"Content-Type": "application/json", **sent.headers}
            answer = client.open(sent.target, method=sent.method, headers=fixed, data=sent.body)
            found = Answer(answer.status_code, list(answer.headers.items()), answer.get_data())
        except Killed as killed:
            if killed.side != "hub":
                raise
            self.world.restart_hub()
            raise LinkDown("the hub went away") from None
        finally:
            plug.side = before
        encoding = found.header("content-encoding") or "identity"
        self.answers.append(encoding.encode() + b"\n" + found.body)
        return found

    def _kept(self, answer: Answer) -> Answer:
        self._last = answer
        return answer

    # what can happen on the way

    def cut_before(self, sent: Sent) -> Answer:
        raise LinkDown("cut before the hub heard of it")

    def reply_lost(self, sent: Sent) -> Answer:
        self.deliver(sent)
        raise LinkDown("the reply was lost")

    def request_cut(self, sent: Sent) -> Answer:
        """The connection breaks at some byte, and the hub takes what came for all there is."""
        kept = sent.body[: self.world.chance.randrange(len(sent.body) + 1)]
        if kept != sent.body:
            answer = self.deliver(Sent(sent.method, sent.target, sent.headers, kept))
            assert answer.status != 200, "half a request was answered as a whole one"
        raise LinkDown("cut while sending")

    def reply_cut(self, sent: Sent) -> Answer:
        answer = self.deliver(sent)
        return Answer(answer.status, answer.headers, answer.body[: self.world.chance.randrange(len(answer.body) + 1)])

    def sent_twice(self, sent: Sent) -> Answer:
        """A proxy sends the request again; either of the two answers arrives."""
        answers = [self.deliver(sent), self.deliver(sent)]
        return self.world.chance.choice(answers)

    def old_one_again(self, sent: Sent) -> Answer:
        """Something sends an old request anew; its answer goes nowhere."""
        self.deliver(self.world.chance.choice(self.requests))
        return self.deliver(sent)

    def held_back(self, sent: Sent) -> Answer:
        """The request arrives later, when the shop has long given it up."""
        self.late.append(sent)
        raise LinkDown("no answer within the time")

    def stale_reply(self, sent: Sent) -> Answer:
        """The answer to an earlier request comes instead of this one's."""
        answer = self.deliver(sent)
        return answer if self._last is None else self._last

    def captive_portal(self, sent: Sent) -> Answer:
        return Answer(200, [("Content-Type", "text/html")], b"<html>Buy a bundle to go on</html>")

    def gateway_error(self, sent: Sent) -> Answer:
        return Answer(502, [("Content-Type", "text/html")], b"<html>Bad gateway</html>")

    def bring_late_ones(self) -> None:
        """What was held back arrives now, in any order."""
        self.world.chance.shuffle(self.late)
        while self.late:
            try:
                self.deliver(self.late.pop())
            except LinkDown:
                continue


MISHAPS: dict[str, Callable[[Wire, Sent], Answer]] = {
    "cut before": Wire.cut_before,
    "reply lost": Wire.reply_lost,
    "request cut": Wire.request_cut,
    "reply cut": Wire.reply_cut,
    "sent twice": Wire.sent_twice,
    "old one again": Wire.old_one_again,
    "held back": Wire.held_back,
    "stale reply": Wire.stale_reply,
    "captive portal": Wire.captive_portal,
    "gateway error": Wire.gateway_error,
}
