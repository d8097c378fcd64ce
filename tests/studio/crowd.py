"""Voters by the hundred over loopback, who insist: a vote without an answer is sent again, as it was."""

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from pipelines.seeds import fork
from studio.store.store import Store

LOST = (OSError, asyncio.IncompleteReadError, ValueError, IndexError)  # half an answer is none
PATIENCE = 120  # seconds, on a machine that is busy with other things
OUTCOMES = ("a", "b", "tie", "both_bad", "skip")


class Line:
    """One kept connection that speaks just enough HTTP; lighter than a client library."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and answer; one of LOST when the connection breaks."""
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            content = json.dumps(body).encode()
            head = (
                f"POST /studio/vote/{path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n"
                f"cookie: {self.cookie}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(content)}\r\n\r\n"
            )
            self.writer.write(head.encode() + content)
            return await self._answer()
        except LOST:
            self.hang_up()
            raise

    async def _answer(self) -> tuple[int, dict[str, Any]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        content = await self.reader.readexactly(int(headers.get("content-length", "")))
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].split(";")[0]
        return int(lines[0].split()[1]), json.loads(content)

    def hang_up(self) -> None:
        """Forget the connection; the next request opens another."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


@dataclass
class Crowd:
    """What many voters sent, and what they were told is stored.

    Args:
        port: where the studio is.
        campaign: a pairwise one that asks for no proof of listening.
        voters: how many, all at once.
        seed: names every draw.
        undo_share: of the votes that are taken back and given anew.
    """

    port: int
    campaign: str
    voters: int = 200
    seed: int = 0
    undo_share: float = 0.1
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)  # by vote id
    told: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was acknowledged
    seconds: dict[str, list[float]] = field(default_factory=dict)  # of each answer, by what
    lost: int = 0  # requests that got no answer
    is_over: bool = False

    async def vote(self) -> None:
        """Everybody votes until `is_over`."""
        await asyncio.gather(*(self._voter(number) for number in range(self.voters)))

    async def _voter(self, number: int) -> None:
        line, draws = Line(self.port), random.Random(fork(self.seed, "voter", number))
        await self._insist(line, "join", f"{self.campaign}/join", {}, draws)
        while not self.is_over:
            answer = await self._insist(line, "next", f"{self.campaign}/next", {}, draws)
            if "done" in answer:
                break
            serving = answer["serving"]
            await self._cast(line, serving, draws, outcome=draws.choice(OUTCOMES))
            if draws.random() < self.undo_share:
                await self._cast(line, serving, draws, action="undo")
                await self._cast(line, serving, draws, outcome=draws.choice(OUTCOMES))
        line.hang_up()

    async def _cast(
        self, line: Line, serving: dict[str, Any], draws: random.Random, **said: Any
    ) -> None:
        vote = str(uuid.UUID(int=draws.getrandbits(128), version=4))
        body = {"id": vote, "serving": serving["id"], "nonce": serving["nonce"], **said}
        if "outcome" in said:
            body |= {"action": "cast", "heard": [0, 0]}
        self.sent[vote] = body
        self.told[vote] = await self._insist(line, "vote", "votes", body, draws)

    async def _insist(
        self, line: Line, what: str, path: str, body: dict[str, Any], draws: random.Random
    ) -> dict[str, Any]:
        while True:
            begun = time.perf_counter()
            try:
                status, answer = await line.post(path, body)
            except LOST:
                self.lost += 1
                await asyncio.sleep(draws.uniform(0.05, 0.3))
                continue
            if status == 503:  # the database is busy, and says so
                await asyncio.sleep(draws.uniform(0.05, 0.3))
                continue
            if status != 200:
                raise RuntimeError(f"{what}: {status} {answer}")
            self.seconds.setdefault(what, []).append(time.perf_counter() - begun)
            return answer


def faults(store: Store, crowd: Crowd) -> dict[str, int]:
    """What the store has against what voters sent and were told; all zero when nothing is wrong."""
    question = text(
        "select id, serving, revision, action, outcome, created_at from votes"
        " where campaign = :campaign"
    )
    with store.database.read() as rows:
        found = rows.execute(question, {"campaign": crowd.campaign}).all()
    kept, latest = {row.id: row for row in found}, {}
    for row in found:
        if row.serving not in latest or row.revision > latest[row.serving].revision:
            latest[row.serving] = row
    live = {vote.serving: vote.id for vote in store.votes.live_votes(crowd.campaign)}
    revisions = Counter((row.serving, row.revision) for row in found)
    return {
        "acknowledged and not there": sum(vote not in kept for vote in crowd.told),
        "there twice": len(found) - len(kept) + sum(n > 1 for n in revisions.values()),
        "there and never sent": sum(vote not in crowd.sent for vote in kept),
        "other than acknowledged": sum(
            (kept[vote].serving, kept[vote].revision, kept[vote].created_at)
            != (answer["serving"], answer["revision"], answer["stored_at"])
            for vote, answer in crowd.told.items()
            if vote in kept
        ),
        "other than sent": sum(
            (row.action, row.outcome)
            != (crowd.sent[row.id]["action"], crowd.sent[row.id].get("outcome"))
            for row in found
            if row.id in crowd.sent
        ),
        "not the latest counts": sum(
            (live.get(serving) == row.id) != (row.action == "cast")
            for serving, row in latest.items()
        ),
    }


async def trouble(crowd: Crowd, studio: Any, kills: int, calm: float = 1.0) -> None:
    """Let the crowd vote while the studio is killed so many times, at moments that the seed names.

    Args:
        studio: a `tests.browser.served.Studio` that is open.
        kills: how many.
        calm: seconds that the studio lives at most after the first vote since its start.
    """
    draws, voting = random.Random(fork(crowd.seed, "kills")), asyncio.create_task(crowd.vote())
    for _ in range(kills):
        await progress(crowd, voting, 1)
        await asyncio.sleep(draws.uniform(0, calm))
        await asyncio.to_thread(studio.kill)
        await asyncio.to_thread(studio.open)
    await progress(crowd, voting, crowd.voters)
    crowd.is_over = True
    await voting


async def progress(crowd: Crowd, voting: asyncio.Task, votes: int) -> None:
    """Wait until so many more votes are acknowledged, or everybody has stopped."""
    wanted, patience = len(crowd.told) + votes, time.monotonic() + PATIENCE
    while len(crowd.told) < wanted and not voting.done():
        if time.monotonic() > patience:
            raise RuntimeError(f"the studio took no {votes} votes within {PATIENCE} s")
        await asyncio.sleep(0.005)
