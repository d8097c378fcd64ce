"""A static set as Audio-Alpaca's: what the base makes of a caption before what it makes of a perturbed one."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.finetune.pairs import GIVEN, PairRow
from pipelines.recipes.baton import takes
from pipelines.recipes.baton.workshop import Workshop
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.sources import GivenSet, without_faults
from pipelines.recipes.crpo.study.listening import scored
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer
from pipelines.seeds import fork
from pipelines.soundworld.captions import read_caption, write_caption


def perturbed(caption: str) -> str:
    """Another caption that asks for something near: its events backwards, or without the last one.

    Tango 2 (arXiv 2404.09956, 3.1) has a language model change the order or leave events out.

    >>> perturbed("a dog barks then rain falls"), perturbed("a dog barks while rain falls")
    ('rain falls then a dog barks', 'a dog barks')
    """
    reading = read_caption(caption)
    labels = list(reading.labels)
    if not reading.order:
        return write_caption(labels[:-1], ["and"] * (len(labels) - 2), [0] * len(labels))
    return write_caption(labels[::-1], ["then"] * (len(labels) - 1), [0] * len(labels))


def perturbed_set(
    shop: Workshop, prompts: Sequence[Prompt], config: CrpoConfig, clap: Scorer
) -> GivenSet:
    """A pair of each prompt, kept where CLAP too puts the sound of the caption itself first.

    Args:
        shop: the base, and where sounds lie.
        prompts: what is asked for.
        config: seed, guidance and steps, as of candidates.
        clap: a CLAP of which nothing was learned, as Tango 2 filters.
    """
    own = _jobs(shop, prompts, config, "own")
    others = [Prompt(text=perturbed(p.text), seconds=p.seconds) for p in prompts]
    paths = [_made(shop, jobs) for jobs in (own, _jobs(shop, others, config, "perturbed"))]
    sounds = [takes.read(path) for path in paths]
    texts = [prompt.text for prompt in prompts]
    better, worse = (scored(clap, part, texts) for part in sounds)
    rows, kept = [], {}
    for n, prompt in enumerate(prompts):
        if better[n] <= worse[n]:
            continue
        keys = [f"{path.stem}-{n}" for path in paths]
        kept |= {key: part[n] for key, part in zip(keys, sounds, strict=True)}
        rows.append(
            PairRow(
                prompt=prompt.text,
                seconds=prompt.seconds,
                chosen=keys[0],
                rejected=keys[1],
                gap=float(better[n] - worse[n]),
                origin=GIVEN,
            )
        )
    return without_faults(GivenSet(rows, kept.__getitem__), shop.base.sample_rate)


def _jobs(
    shop: Workshop, prompts: Sequence[Prompt], config: CrpoConfig, kind: str
) -> list[tuple[Prompt, Settings]]:
    sampling = shop.sampling
    settings = {
        "steps": config.sampling_steps or sampling["steps"],
        "guidance": sampling["guidance"] if config.guidance is None else config.guidance,
    }
    return [
        (prompt, Settings(seed=fork(config.seed, "perturbed set", kind, prompt.id), **settings))
        for prompt in prompts
    ]


def _made(shop: Workshop, jobs: list[tuple[Prompt, Settings]]) -> Path:
    return takes.make(takes.place_of(shop.takes, shop.base, None, jobs), shop.base, jobs)
