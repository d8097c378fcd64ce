"""How fast the door takes votes, whether kills lose any, and what a vote costs as they pile up.

    python -m tests.bench.bench_vote_door [--only rate kills cost] [--databases sqlite postgresql]
        [--voters 200] [--seconds 20] [--kills 20] [--stored 1000 100000 1000000]

prints one JSON line per row. What this machine cannot run is skipped in so many words.

rate: voters over loopback against the served studio, each asking for the next sounds as soon as the
last vote is acknowledged, so much faster than people; latencies as the voters see them.
kills: the same with SIGKILL at moments that a seed names; then what the store has against what the
voters were told, all counts zero when nothing is wrong.
cost: one voter after another at the service, without HTTP, with so many votes stored before, by 1,000
voters; and the first look at a campaign after a start, which counts all its votes.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from studio.config import Config
from studio.services.services import Services
from studio.store.database import local_url
from studio.store.store import Store
from tests.browser.served import Server, Studio
from tests.studio.ballots import ballot, joined, shown_to
from tests.studio.crowd import Crowd, faults, trouble
from tests.studio.postgres import GIVEN, Cluster, fresh_schema, missing
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign

PACE = 10**6  # votes a minute that one voter may give; a bench does not wait
SIZES = {"systems": 4, "prompts": 50, "votes_wanted": 10**7}
MEASURED = 300  # votes of each row of "cost"


def rate(url: str, folder: Path, server: Server, voters: int, seconds: float) -> dict[str, Any]:
    """Votes per second and latencies, with nobody in the way."""
    crowd, studio = gathered(url, folder, server, voters)
    studio.open()
    try:
        wall = asyncio.run(for_a_while(crowd, seconds))
    finally:
        studio.close()
    row = {"voters": voters, "votes": len(crowd.told), "seconds": round(wall, 1)}
    row["votes_per_second"] = round(len(crowd.told) / wall, 1)
    return row | {what: percentiles(found) for what, found in crowd.seconds.items()}


def kills(url: str, folder: Path, server: Server, voters: int, count: int) -> dict[str, Any]:
    """What the store has against what voters were told, after so many kills."""
    crowd, studio = gathered(url, folder, server, voters)
    studio.open()
    try:
        asyncio.run(trouble(crowd, studio, count))
    finally:
        studio.close()
    store = Store(folder, url)
    found = faults(store, crowd)
    store.close()
    told = {"voters": voters, "kills": count, "votes_and_undos_acknowledged": len(crowd.told)}
    return told | {"requests_without_answer": crowd.lost, "faults": found}


def cost(url: str, folder: Path, stored: list[int]) -> Iterator[dict[str, Any]]:
    """Milliseconds of the next sounds and of a vote, by the number of votes stored."""
    store = Store(folder, url)
    campaign = small_campaign(store, **SIZES)
    there = 0
    for count in stored:
        fill(store, campaign, there, count)
        there = count
        config = Config(data=folder, database=url, votes_per_minute=PACE)
        services = Services(config, SineEngines(config))
        found = services.store.campaigns.get(campaign)
        begun = time.perf_counter()
        services.voting.progress(found, None)
        row: dict[str, Any] = {"stored": count, "first_look_ms": ms(time.perf_counter() - begun)}
        voters = [joined(services, campaign) for _ in range(20)]
        asked, cast = [], []
        for place in range(MEASURED):
            voter = voters[place % len(voters)]
            starts = time.perf_counter()
            serving = shown_to(services, campaign, voter)
            asked.append(time.perf_counter() - starts)
            sent = ballot(serving)
            starts = time.perf_counter()
            services.voting.cast(sent, voter)
            cast.append(time.perf_counter() - starts)
        services.close()
        there += MEASURED
        yield row | {"next": percentiles(asked), "vote": percentiles(cast)}
    store.close()


def gathered(url: str, folder: Path, server: Server, voters: int) -> tuple[Crowd, Studio]:
    """A crowd before a campaign of its own."""
    store = Store(folder, url)
    campaign = small_campaign(store, **SIZES)
    store.close()
    studio = Studio(server, folder, database=url, votes_per_minute=PACE)
    return Crowd(studio.port, campaign, voters=voters), studio


async def for_a_while(crowd: Crowd, seconds: float) -> float:
    """Seconds until the last voter has stopped."""
    begun = time.perf_counter()
    voting = asyncio.create_task(crowd.vote())
    await asyncio.sleep(seconds)
    crowd.is_over = True
    await voting
    return time.perf_counter() - begun


def fill(store: Store, campaign: str, there: int, count: int) -> None:
    """Servings and votes number `there` to `count`, of 1,000 voters, written in bulk."""
    is_sqlite = store.database.engine.dialect.name == "sqlite"
    hexed = "printf('%032x', i)" if is_sqlite else "lpad(to_hex(i), 32, '0')"
    numbers = (
        "with recursive n(i) as (select :there union all select i + 1 from n where i < :count - 1)"
        if is_sqlite
        else "with n(i) as (select generate_series(cast(:there as int), :count - 1))"
    )
    sound = (
        '\'{"system": "s0", "take": 0, "clip": "00", "seconds": 0.2, "token": "\' || '
        f"{hexed} || 'a' || {hexed} || '\"}}'"
    )
    run = uuid.uuid4().hex[:8]
    values = {"there": there, "count": count, "campaign": campaign, "run": run}
    with store.database.write() as rows:
        for place in range(1000):
            rows.execute(
                text("insert into voters (id, kind, created_at) values (:id, 'person', '')"),
                {"id": f"{run}-{place}"},
            )
        rows.execute(
            text(
                "insert into servings (id, campaign, voter, number, kind, prompt, clips, answer,"
                f" nonce, created_at) {numbers} select {hexed} || '-' || :run, :campaign,"
                " :run || '-' || (i % 1000), i / 1000, 'ab', i % 50,"
                f" '[' || {sound} || ', ' || {sound} || ']', -1, 'n', '' from n"
            ),
            values,
        )
        rows.execute(
            text(
                "insert into votes (id, serving, campaign, voter, revision, action, kind, prompt,"
                " system_a, system_b, take_a, take_b, outcome, heard, interface, created_at)"
                f" {numbers} select {hexed} || :run, {hexed} || '-' || :run, :campaign,"
                " :run || '-' || (i % 1000), 0, 'cast', 'ab', i % 50, 's' || (i % 3),"
                " 's' || (i % 3 + 1), 0, 0, case i % 5 when 0 then 'tie' when 1 then 'b'"
                " else 'a' end, '[200, 200]', 'bench', '2026-01-01T00:00:00.000000+00:00' from n"
            ),
            values,
        )
        rows.execute(text("analyze"))  # as either database does by itself, a little later


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Milliseconds that half, 95 % and 99 % stay below."""
    found = np.percentile(seconds, [50, 95, 99])
    return {f"p{p}_ms": ms(value) for p, value in zip((50, 95, 99), found, strict=True)}


def ms(seconds: float) -> float:
    """Milliseconds, to a hundredth."""
    return round(float(seconds) * 1000, 2)


@contextlib.contextmanager
def opened(kind: str) -> Iterator[tuple[str, Path]]:
    """The address of an empty database and a folder for sounds; both gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as kept:
        data = Path(folder) / "data"
        if kind == "sqlite":
            yield local_url(data), data
            return
        cluster = None if GIVEN else Cluster(syncs=True)
        if cluster:
            kept.callback(cluster.close)
        yield kept.enter_context(fresh_schema(GIVEN or cluster.url)), data


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts, kinds = ["rate", "kills", "cost"], ["sqlite", "postgresql"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--databases", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--voters", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stored", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    args = parser.parse_args()
    with contextlib.closing(Server()) as server:
        run = {
            "rate": lambda url, at: [rate(url, at, server, args.voters, args.seconds)],
            "kills": lambda url, at: [kills(url, at, server, args.voters, args.kills)],
            "cost": lambda url, at: cost(url, at, args.stored),
        }
        for part in args.only:
            for kind in args.databases:
                head = {"part": part, "database": kind}
                if kind == "postgresql" and (reason := missing()):
                    tell({**head, "skipped": reason})
                    continue
                with opened(kind) as (url, folder):
                    for row in run[part](url, folder):
                        tell({**head, **row})


def tell(row: dict[str, Any]) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
