"""The loop of CRPO: iteration after iteration, each from the policy of the one before.

Every iteration leaves one adapter against the base, so to go back to any of them is to choose its
adapter; nothing has to be undone.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from pipelines.crew import ALONE, Crew
from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapter_files import AdapterInfo, read_card
from pipelines.finetune.joining import wearing
from pipelines.finetune.latents import Cache, encoded, write_cache
from pipelines.finetune.pairs import check_pairs
from pipelines.finetune.training import ADAPTER, versions
from pipelines.generate.backend import Backend, ShouldStop
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.iteration import (
    DONE,
    NOTHING_GIVEN,
    Given,
    Iteration,
    Progress,
    place_of,
    policy_of,
    write_json,
)
from pipelines.recipes.crpo.listening import Heard, listen
from pipelines.recipes.crpo.sources import GivenSet
from pipelines.records import Prompt, digest
from pipelines.reward.scorers import Scorer

RUN, GIVEN_CACHE = "run.json", "given.safetensors"


def improve(
    trainer: Backend,
    bank: Sequence[Prompt],
    scorer: Scorer,
    config: CrpoConfig,
    root: Path,
    *,
    sampler: Backend | None = None,
    start: Path | None = None,
    given: GivenSet | None = None,
    heard_on: Sequence[Prompt] = (),
    scorers: Mapping[str, Scorer] | None = None,
    crew: Crew = ALONE,
    on_progress: Callable[[Progress], None] | None = None,
    on_heard: Callable[[Heard], None] | None = None,
    should_stop: ShouldStop | None = None,
) -> list[AdapterInfo]:
    """Run all iterations, or what is left of them: an adapter of the base for each.

    Stopped or killed anywhere, it goes on when it is called again, on as many processes as there are
    then, and ends with the same weights. More iterations can be asked for afterwards.

    Args:
        trainer: the base in float32; afterwards it is as before.
        bank: prompts to draw from.
        scorer: ranks candidates.
        config: what to do.
        root: of all files of this run; all processes see the same.
        sampler: the base at the dtype that it samples in; None: the trainer.
        start: an adapter of this base to begin from; None: the base itself.
        given: pairs to learn from beside the ranked ones, or instead of them.
        heard_on: prompts to sample after each iteration, and at the start.
        scorers: of those samples, by name.
        crew: the processes that work together.
        on_progress: told where it is.
        on_heard: told of each moment of samples.
        should_stop: asked before each step; True saves, then raises Cancelled.

    Raises:
        StudioError: a folder of another run, too few prompts, nothing to learn from.
        Cancelled: a stop was asked for.
    """
    _check_run(trainer, bank, scorer, config, root, start, given, crew)
    kept = _given(trainer, given, config, root, crew)
    own = sampler or trainer
    before, made = start, []
    for number in range(config.iterations + 1):
        if number > 0:
            one = Iteration(
                number, root, config, trainer, own, before, bank, scorer, kept, crew,
                on_progress, should_stop,
            )  # fmt: skip
            made.append(one.run())
            before = one.folder / ADAPTER
        is_stopped = False
        if crew.rank == 0:
            try:
                with wearing(trainer, before) as worn:
                    policy = policy_of(trainer, own, worn, number)
                    listen(
                        policy, number, heard_on, scorers or {}, root, batch=config.batch,
                        should_stop=should_stop, on_heard=on_heard,
                    )  # fmt: skip
            except Cancelled:
                is_stopped = True
        if crew.agreed(is_stopped):
            raise Cancelled
    return made


def finished(root: Path) -> list[Path]:
    """The adapters of the iterations that are done, first to last."""
    found = []
    while (place_of(root, len(found) + 1) / DONE).exists():
        found.append(place_of(root, len(found) + 1) / ADAPTER)
    return found


def _check_run(
    trainer: Backend,
    bank: Sequence[Prompt],
    scorer: Scorer,
    config: CrpoConfig,
    root: Path,
    start: Path | None,
    given: GivenSet | None,
    crew: Crew,
) -> None:
    """Nothing, where the folder is new or of this very run."""
    told = {
        "config": config.identity,
        "base": trainer.revision,
        "start": None if start is None else read_card(start).hash,
        "reward": scorer.revision,
        "bank": digest(sorted(prompt.id for prompt in bank)),
        "given": None if given is None else check_pairs(given.pairs).digest,
    }
    same = json.loads(json.dumps(told))
    path = root / RUN
    if path.exists():
        held = json.loads(path.read_text())["identity"]
        if wrong := [name for name, value in same.items() if held.get(name) != value]:
            raise StudioError(
                f"{root.name} holds a CRPO run of another {' and '.join(wrong)}; give this run a "
                "folder of its own."
            )
    crew.wait()  # all have looked before it is written
    if crew.rank == 0 and not path.exists():
        write_json(path, {"identity": same, "versions": versions(), "reward": scorer.name})
    crew.wait()


def _given(
    trainer: Backend, given: GivenSet | None, config: CrpoConfig, root: Path, crew: Crew
) -> Given:
    """The given pairs with their latents, which are encoded once for all iterations."""
    if given is None or not given.pairs:
        if config.given_share:
            raise StudioError(
                f"A share of {config.given_share:.0%} is for given pairs, and none were given; give "
                "some, or set the share to 0."
            )
        return NOTHING_GIVEN
    if not config.given_share:
        raise StudioError("Pairs were given and their share is 0; set a share above 0.")
    path = root / GIVEN_CACHE
    if crew.rank == 0:
        held = Cache(path, trainer).keys if path.exists() else ()
        keys = dict.fromkeys(key for row in given.pairs for key in (row.chosen, row.rejected))
        missing = [key for key in keys if key not in set(held)]
        if missing:
            sounds = ((key, given.sound(key)) for key in missing)
            write_cache(path, trainer, encoded(trainer, sounds, batch_size=1), [])
    crew.wait()
    cache = Cache(path, trainer)

    def latents(keys: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
        return ((key, cache.latents([key])[0].cpu()) for key in keys)

    return Given(pairs=given.pairs, latents=latents)
