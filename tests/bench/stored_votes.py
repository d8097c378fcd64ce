"""Campaigns of many votes in a database, filled in bulk, and what looking at their results costs."""

import secrets
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from pipelines.seeds import numpy_generator
from pipelines.vote.battles import OUTCOMES
from studio.services.results.results import Results
from studio.store.candidates import now
from studio.store.store import Store
from tests.studio.postgres import Cluster, fresh_schema, missing
from tests.studio.small_campaign import small_campaign

SYSTEMS, PROMPTS, BATCH = 10, 50, 20_000


def timed_looks(count: int) -> Iterator[dict[str, Any]]:
    """A row for each database: the first look, one after ten votes more, one that finds none."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        yield {"database": "sqlite", **_timed(Path(folder) / "sqlite", None, count)}
        if reason := missing():
            yield {"database": "postgresql", "skipped": reason}
            return
        cluster = Cluster()
        opened.callback(cluster.close)
        url = opened.enter_context(fresh_schema(cluster.url))
        yield {"database": "postgresql", **_timed(Path(folder) / "postgresql", url, count)}


def _timed(folder: Path, url: str | None, count: int) -> dict[str, Any]:
    """The looks at one database, in seconds by the clock and of this process."""
    store = Store(folder, url)
    campaign = small_campaign(store, systems=SYSTEMS, prompts=0)
    definition = store.campaigns.get(campaign).definition
    prompts = [{"text": str(n), "seconds": 1.0, "labels": [], "tags": []} for n in range(PROMPTS)]
    campaign = store.campaigns.add("bench", definition | {"prompts": prompts}).id
    fill(store, campaign, count, 0)
    results = Results(store)
    row = {"votes": count}
    for name in ("first", "ten_more", "nothing_new"):
        if name == "ten_more":
            fill(store, campaign, 10, count)
        starts = time.perf_counter(), time.process_time()
        found = results.view(campaign, "bench")
        row[name] = round(time.perf_counter() - starts[0], 3)
        row[f"{name}_cpu"] = round(time.process_time() - starts[1], 3)
    row["judged"] = found["board"]["votes"]
    store.close()
    return row


def fill(store: Store, campaign: str, count: int, start: int) -> None:
    """Add so many votes, each on a serving of its own without sounds: a look reads none."""
    draws = numpy_generator(5, "stored", count, start)
    voters = [f"{n:032x}" for n in range(max(10, count // 50))]
    a = draws.integers(SYSTEMS, size=count)
    b = (a + draws.integers(1, SYSTEMS, size=count)) % SYSTEMS
    outcome = draws.choice(5, p=[0.38, 0.38, 0.16, 0.05, 0.03], size=count)
    voter, prompt = draws.integers(len(voters), size=count), draws.integers(PROMPTS, size=count)
    moment = now()
    for at in range(0, count, BATCH):
        with store.database.write() as rows:
            if at == 0:
                _add_voters(rows, voters, moment)
            places = range(at, min(count, at + BATCH))
            servings = [secrets.token_hex(16) for _ in places]
            rows.execute(
                text(
                    "insert into servings (id, campaign, voter, number, kind, prompt, clips, answer,"
                    " nonce, created_at) values (:id, :campaign, :voter, :number, 'ab', :prompt,"
                    " '[]', -1, 'n', :moment)"
                ),
                [
                    {"id": one, "campaign": campaign, "voter": voters[voter[i]],
                     "number": start + i, "prompt": int(prompt[i]), "moment": moment}
                    for one, i in zip(servings, places, strict=True)
                ],
            )  # fmt: skip
            rows.execute(
                text(
                    "insert into votes (id, serving, campaign, voter, revision, action, kind, prompt,"
                    " system_a, system_b, take_a, take_b, outcome, first_played, heard, decision_ms,"
                    " interface, created_at) values (:id, :serving, :campaign, :voter, 0, 'cast',"
                    " 'ab', :prompt, :a, :b, 0, 0, :outcome, 0, '[5000, 5000]', 15000, 'bench 1',"
                    " :moment)"
                ),
                [
                    {"id": str(uuid.uuid4()), "serving": one, "campaign": campaign,
                     "voter": voters[voter[i]], "prompt": int(prompt[i]), "a": f"s{a[i]}",
                     "b": f"s{b[i]}", "outcome": OUTCOMES[outcome[i]], "moment": moment}
                    for one, i in zip(servings, places, strict=True)
                ],
            )  # fmt: skip


def _add_voters(rows: Connection, voters: list[str], moment: str) -> None:
    rows.execute(
        text("insert into voters (id, kind, created_at) values (:id, 'person', :moment)"
             " on conflict do nothing"),
        [{"id": one, "moment": moment} for one in voters],
    )  # fmt: skip
