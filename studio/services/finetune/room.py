"""How much one visitor may have here: one run at a time, and on a page of strangers so many in all."""

from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import Conflict
from studio.services.adapters import Adapters
from studio.store.jobs import JobTable

FINETUNE = "finetune"  # the kind of job
MANY = 1000  # runs of one person that are looked through
# What whoever keeps a model among strangers should know.
EVERYBODY_S = (
    "On this shared page everybody can choose this model in Generate and Compare, and read its "
    "record; only you can rename or remove it."
)


def check_alone(jobs: JobTable, owner: str) -> None:
    """Nothing, or a Conflict where one run of theirs is under way."""
    if any(not job.is_over for job in jobs.latest(owner, [FINETUNE], limit=MANY)):
        raise Conflict(
            "A run of yours is under way already; wait for it, or stop it, before you start another."
        )


def check_room(config: Config, jobs: JobTable, adapters: Adapters, owner: str) -> None:
    """Nothing, or a Conflict where a page of strangers has no room for what a run would leave."""
    if not config.is_shared:
        return
    runs = jobs.latest(owner, [FINETUNE], limit=MANY)
    there = sum(not job.findings.get("removed") for job in runs)
    if there >= config.max_runs:
        raise Conflict(
            f"Your runs on this shared page are {there}, and a visitor may have {config.max_runs}; "
            "remove one of them first."
        )
    try:
        adapters.check_room(config.max_kept)
    except StudioError as error:
        raise Conflict(str(error)) from error
