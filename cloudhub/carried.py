"""Taking the file of a shop without internet, and writing the hub's answer to it.

Invariants:
  * Each request in the file is proved and admitted as on the line, in its order; only the time it was signed at does
    not matter. Clones, forks, gaps and revoked computers are refused alike, and the file's rest with them.
  * Answers are signed and bound to the signatures of the requests; the file around them says nothing to be believed.
  * Memory stays flat: one request and one page are held at a time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cloudhub.calls.door import Caller, FindKey, check_origin, meet_caller, prove_caller, seal_answer
from cloudhub.hub import Hub
from cloudhub.merge.exchange import Carried, exchange
from cloudhub.merge.models import Origin
from cloudhub.tenancy.models import Node
from shopnode.domain.errors import Busy, Conflict
from sync_protocol.canonical import canonical
from sync_protocol.carried import (
    CarriedAnswer,
    CarriedHead,
    CarriedReader,
    CarriedRequest,
    CarriedWriter,
    UnusableFile,
)
from sync_protocol.compression import ENCODED_BYTES_MAX, decompress
from sync_protocol.messages import ExchangeRequest, ExchangeResponse, PullLimits, decode
from sync_protocol.problems import BadSignature, ProtocolError, Revoked, TooLarge, sentence_of
from sync_protocol.signing import Request, Signed, verify_carried
from sync_protocol.versions import check_versions

EXCHANGE = ("POST", "/sync/v1/exchange")
REPLY_BYTES_DEFAULT = 10 * 1024 * 1024
PAGE_BYTES_LEAST = 64 * 1024  # with less room than this no further page is begun


class FileRefused(Conflict):
    """A file that is not taken; the words say why."""

    code = "file-refused"


@dataclass
class Taken:
    """What a file brought. `problem` is why the rest of it was not taken."""

    tenant_id: str
    node_id: str
    device: str = ""
    requests: int = 0
    entries: int = 0
    lines: int = 0
    more: bool = False  # news that did not fit into the answer
    problem: str | None = None

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "message": self.words}

    @property
    def words(self) -> str:
        told = [f"Took {self.entries} new entries of {self.device or 'the shop'}."]
        told.append(f"The answer carries {self.lines} changes for it.")
        if self.more:
            told.append("There are more; they go into the answer to its next file.")
        if self.problem:
            told.append(self.problem)
        return " ".join(told)


def take_file(
    hub: Hub, file: IO[bytes], reply: IO[bytes], *, bytes_max: int = REPLY_BYTES_DEFAULT, tenant_id: str | None = None
) -> Taken:
    """Admit what a file holds and write the answer to it.

    tenant_id  the business it must be of, where not everybody's is taken

    Raises FileRefused in words, and nothing is taken then.
    """
    try:
        reader = CarriedReader(file)
        _check_head(hub, reader.head)
        return _Taking(hub, reader, reply, bytes_max, tenant_id).run()
    except UnusableFile as unusable:
        raise FileRefused(str(unusable)) from None


def _check_head(hub: Hub, head: CarriedHead) -> None:
    if head.what != "requests":
        raise FileRefused("This file is a hub's answer. Load it in the shop that it is for.")
    if head.audience != hub.identity.audience:
        raise FileRefused("This file was saved for another hub. Nothing was taken.")


class _Taking:
    """One file on its way through."""

    def __init__(self, hub: Hub, reader: CarriedReader, reply: IO[bytes], bytes_max: int, tenant_id: str | None):
        self._hub, self._reader, self._bytes_max, self._tenant_id = hub, reader, bytes_max, tenant_id
        head = CarriedHead(
            what="answers", audience=hub.identity.audience, node=reader.head.node, origin=reader.head.origin,
            made_at=hub.clock.wall_ms(),
        )  # fmt: skip
        self._writer = CarriedWriter(reply, head)
        self._after = 0
        self._taken: Taken | None = None

    def run(self) -> Taken:
        last: tuple[CarriedRequest, Caller, ExchangeRequest] | None = None
        for asked, body in self._reader.requests():
            caller = self._prove(asked, body)
            if caller is None:
                break
            message = self._answer(asked, caller, body)
            if message is None:
                break
            last = (asked, caller, message)
        if self._taken is None:
            raise FileRefused("There is nothing in this file.")
        while last is not None and self._taken.problem is None and self._taken.more and self._room():
            asked, caller, message = last
            self._exchange(asked, caller, message.model_copy(update={"push": None}))
        self._writer.finish()
        return self._taken

    def _prove(self, asked: CarriedRequest, body: bytes) -> Caller | None:
        """Who signed; None when nothing more of the file may be taken."""
        request = Request(asked.method, asked.target, body, asked.headers)

        def verify(find: FindKey) -> Signed:
            return verify_carried(request, find, self._hub.identity.audience)

        try:
            if (asked.method, asked.target) != EXCHANGE:
                raise BadSignature("Only exchanges travel as files.")
            caller = prove_caller(self._hub, verify, any_origin=True)
        except Revoked as refusal:
            self._stop(sentence_of(refusal.problem, refusal.facts))
            return None
        except BadSignature as refusal:
            self._stop(f"A part of this file is not from a computer of this hub as it is now. {refusal}")
            return None
        if self._tenant_id not in (None, caller.key.tenant_id):
            raise FileRefused("This file is of another business. Nothing was taken.")
        if self._taken is None:
            self._taken = Taken(caller.key.tenant_id, caller.key.node_id, _device(self._hub, caller))
        elif self._taken.node_id != caller.key.node_id:
            self._stop("The rest of this file is from another computer.")
            return None
        # A clock that was ahead when the file was made must not hide the starts that come after it.
        return replace(caller, signed_s=min(caller.signed_s, self._hub.clock.wall_ms() // 1000))

    def _stop(self, words: str) -> None:
        if self._taken is None:
            raise FileRefused(f"{words} Nothing was taken.")
        self._taken.problem = words

    def _answer(self, asked: CarriedRequest, caller: Caller, body: bytes) -> ExchangeRequest | None:
        """Answer one request; its message, or None where it was refused."""
        assert self._taken is not None
        try:
            if len(body) > ENCODED_BYTES_MAX:
                raise TooLarge("a body that is too long")
            message = decode(ExchangeRequest, decompress(body, _header(asked, "content-encoding")))
            if self._brings_nothing_new(caller, message):
                caller = replace(caller, signed_s=0)  # a file that comes again says nothing of which start is the last
            meet_caller(self._hub, caller, message, by_file=True)
            check_origin(self._hub, caller)
            check_versions(message.protocol, message.schema_)
            self._after = max(self._after, message.have.cursor)
            self._exchange(asked, caller, message)
        except ProtocolError as refusal:
            self._write(asked, refusal.status, canonical(refusal.document()))
            self._taken.problem = refusal.problem.sentence
            return None
        except (Busy, SQLAlchemyError):
            self._taken.problem = "The hub is busy just now. Load the same file again: nothing is taken twice."
            return None
        self._taken.requests += 1
        return message

    def _brings_nothing_new(self, caller: Caller, message: ExchangeRequest) -> bool:
        push = message.push
        return push is not None and push.first + len(push.entries) - 1 <= self._head(caller)

    def _exchange(self, asked: CarriedRequest, caller: Caller, message: ExchangeRequest) -> None:
        assert self._taken is not None
        pull = None
        if message.pull is not None and self._room():
            pull = PullLimits(rows=message.pull.rows, bytes=min(message.pull.bytes, self._room()))
        message = message.model_copy(update={"pull": pull})
        before = self._head(caller)
        plain = exchange(self._hub, caller.key, caller.signed_s, message, Carried(self._after))
        answer = decode(ExchangeResponse, plain)
        self._taken.entries += answer.ack.accepted - before
        if answer.pull is not None:
            self._after = answer.pull.to_no
            self._taken.lines += len(answer.pull.lines)
            self._taken.more = answer.pull.more
        self._write(asked, 200, plain)

    def _head(self, caller: Caller) -> int:
        with self._hub.database.session(caller.key.tenant_id, read_only=True) as session:
            return session.scalars(select(Origin.head_n).where(Origin.id == caller.key.origin_id)).one()

    def _write(self, asked: CarriedRequest, status: int, plain: bytes) -> None:
        sealed = seal_answer(self._hub, status, plain, "zstd", _header(asked, "signature"))
        head = CarriedAnswer(request=asked, status=sealed.status, headers=list(sealed.headers.items()))
        self._writer.add(head, sealed.body)

    def _room(self) -> int:
        """Bytes left in the answer for a page; 0 when there is not enough."""
        left = self._bytes_max - self._writer.size
        return left if left >= PAGE_BYTES_LEAST else 0


def _header(asked: CarriedRequest, name: str) -> str:
    """A header that the signature has been proved over, so it is there once."""
    return next((value.strip(" \t") for key, value in asked.headers if key.lower() == name), "")


def _device(hub: Hub, caller: Caller) -> str:
    with hub.database.session(caller.key.tenant_id, read_only=True) as session:
        return session.scalars(select(Node.series).where(Node.id == caller.key.node_id)).one()
