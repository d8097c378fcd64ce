"""What it took from the sounds to label to this comparison: the machine's seconds, the listening apart."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipelines.errors import StudioError
from studio.services.adapters import Adapters
from studio.store.jobs import DONE, Job
from studio.store.store import Store


def sitting_of(store: Store, adapters: Adapters, comparison: Job) -> dict[str, Any] | None:
    """The parts of the way to B of a finished comparison, each from its beginning to its end.

    A part that was stopped and gone on with counts with its pause; one that was not done here, as the
    sounds of an imported campaign, is left out. What simulated listeners labelled nobody listened to.

    Args:
        store: the jobs, campaigns and votes.
        adapters: which run made B.
        comparison: its job.

    Returns:
        parts (what, seconds), seconds of them all, listened (seconds of sound that the labellers
        heard); None where the comparison is not done, or B is no model that this person trained here.
    """
    adapter = comparison.findings.get("sides", {}).get("b", {}).get("adapter")
    if adapter is None or comparison.status != DONE:
        return None
    try:
        record = adapters.record(adapter)
    except StudioError:  # removed since
        return None
    run = store.jobs.get(record["run"])
    if run is None or run.owner != comparison.owner:
        return None
    campaigns = run.request.get("campaigns") or []
    found = [*labelled(store, campaigns), (reward_of(store, run), "training the reward")]
    found += [(run, "fine-tuning"), (comparison, "this comparison")]
    heard = 0.0 if record["simulated"] else sum(listened(store, name) for name in campaigns)
    parts = [{"what": what, "seconds": seconds_of(job)} for job, what in found if job is not None]
    return {
        "parts": parts,
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "listened": round(heard, 1),
    }


def labelled(store: Store, campaigns: list[str]) -> Iterator[tuple[Job | None, str]]:
    """The making of each campaign's sounds."""
    for name in campaigns:
        sounds = len({clip.source for clip in store.campaigns.clips(name)})
        yield store.jobs.get(name), f"making {sounds} sounds to label"


def reward_of(store: Store, run: Job) -> Job | None:
    """The training of the reward that a run scored by; None for CLAP as it is, and for none."""
    return store.jobs.get(run.request.get("reward") or "")


def seconds_of(job: Job) -> float:
    """From when a job was begun to when it was over."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    passed = datetime.fromisoformat(job.finished_at) - datetime.fromisoformat(job.started_at)
    return round(passed.total_seconds(), 1)


def listened(store: Store, campaign: str) -> float:
    """Seconds of sound that were heard for the judgements of a campaign that count."""
    return sum(sum(vote.heard) for vote in store.votes.live_votes(campaign)) / 1000
