"""Rewards of a CRPO run's base against one of its iterations, on the prompts that it was heard by."""

from typing import TYPE_CHECKING, Any

from pipelines.audio import read_audio
from studio.refusals import Conflict, Unknown

if TYPE_CHECKING:
    from studio.services.finetune.finetune import Finetune


def run_sides(
    finetune: "Finetune", reward: str, owner: str, run: str, iteration: int
) -> dict[str, Any]:
    """As `studio.services.reward.sides.sides_of` tells a comparison: the base is side A.

    Args:
        finetune: the use-case.
        reward: id of the reward model that judges.
        owner: whose run and reward they must be.
        run: id of the run.
        iteration: from 1.

    Raises:
        Unknown: there is no such run or reward model of theirs.
        Conflict: the iteration was not heard yet, or the reward model is not trained.
    """
    from studio.services.reward.sides import gained, score

    job = finetune.views.job_of(run, owner)
    model = finetune.rewards.job_of(reward, owner)
    folder = finetune.run.folder(job.id)
    heard = {line.get("iteration"): line["sounds"] for line in folder.lines("samples.jsonl")}
    if 0 not in heard or not heard[0]:
        raise Unknown("This run was not listened to in iterations; choose another.")
    if iteration not in heard or iteration == 0:
        raise Conflict(f"Iteration {iteration} was not heard yet; wait until it is done.")
    scorer = finetune.rewards.scorer(reward, owner)
    both = {"a": heard[0], "b": heard[iteration]}
    prompts = [one["prompt"] for one in heard[0]]
    rewards = {
        side: score(scorer, [read_audio(folder.path / one["file"]) for one in sounds], prompts)
        for side, sounds in both.items()
    }
    title = finetune.views.about(job, owner)["title"]
    base = finetune.run.engines.title(job.request["base"])
    titles = {"a": base, "b": f"{title}, iteration {iteration}"}
    return {
        **gained(rewards, prompts, titles, scorer, f"{job.id} {iteration}"),
        "reward": model.id,
        "title": model.request["title"],
        "simulated": model.request["simulated"],
    }
