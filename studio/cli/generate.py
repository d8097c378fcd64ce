"""`generate`: sounds for prompts, one line of JSON per candidate."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.requests import CLAP, whole
from studio.services.services import Services
from studio.visitors import HERE

OURS = "Apache-2.0"  # of the models that come with the studio; others' terms are told at each use


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    make = verbs.add_parser("generate", help="sounds for prompts")
    make.add_argument("prompts", nargs="*", metavar="PROMPT")
    make.add_argument("--prompts", dest="file", type=Path, help="a .txt or .csv with more of them")
    make.add_argument("--count", type=number, default=1, help="candidates per prompt")
    make.add_argument("--seed", type=number, help="of the first candidate (default: drawn)")
    make.add_argument("--seconds", type=number, default=10.0)
    make.add_argument("--steps", type=number, help="default: the model's own")
    make.add_argument("--guidance", type=number, help="default: the model's own")
    make.add_argument("--sampler", help="one that the model has (default: its own)")
    add_shortcuts(make)
    make.add_argument("--model", help="a name from `models`, or the folder of a checkpoint")
    make.add_argument("--out", type=Path, help="also write the sounds into this folder")
    make.add_argument("--format", default="wav", help="wav or flac")
    make.add_argument("--no-scores", action="store_true", help="sounds only")
    make.add_argument(
        "--rank-by", metavar="ID", help="clap (default), or a reward model, see `reward list`"
    )
    make.add_argument(
        "--reward-weight", type=number, metavar="SHARE",
        help="of the reward model in the ranking, 0 to 1; CLAP has the rest (default: 1)",
    )  # fmt: skip
    make.add_argument(
        "--best", type=number, metavar="K", help="only the K best of each prompt, the best first"
    )
    make.set_defaults(do=generate)


def add_shortcuts(make: argparse.ArgumentParser) -> None:
    """What makes a TangoFlux faster and its sound another; all off unless told."""
    make.add_argument(
        "--guide-from", type=number, default=0.0, metavar="LEVEL",
        help="guidance interval: none below this noise level (default: 0)",
    )  # fmt: skip
    make.add_argument(
        "--guide-to", type=number, default=1.0, metavar="LEVEL",
        help="guidance interval: none above this noise level (default: 1)",
    )  # fmt: skip
    make.add_argument(
        "--reuse", type=number, default=0.0, metavar="DRIFT",
        help="step caching: blocks run again once their input drifted so far, 0 to 1 (default: 0, off)",
    )  # fmt: skip


def generate(services: Services, asked: argparse.Namespace) -> int:
    """One line per candidate."""
    if asked.reward_weight is not None and asked.rank_by in (None, CLAP):
        raise StudioError("--reward-weight needs a reward model; name one by --rank-by.")
    prompts = [*asked.prompts, *(services.read_prompt_file(asked.file) if asked.file else [])]
    request = services.check(
        prompts,
        model=asked.model,
        seed=asked.seed,
        count=asked.count,
        seconds=asked.seconds,
        steps=asked.steps,
        guidance=asked.guidance,
        sampler=asked.sampler,
        guide_from=asked.guide_from,
        guide_to=asked.guide_to,
        reuse=asked.reuse,
        is_judged=not asked.no_scores,
        reward=asked.rank_by,
        reward_weight=1.0 if asked.reward_weight is None else asked.reward_weight,
    )
    most = None if asked.best is None else whole("--best", asked.best, 1, request.count)
    is_ranked = asked.rank_by is not None or most is not None
    if is_ranked and not request.is_judged:
        raise StudioError(
            "--no-scores leaves nothing to rank by; drop it, or --rank-by and --best."
        )
    services.engines.check_known(request.model)
    if (licence := services.engines.licence(request.model)) != OURS:
        say(f"{services.engines.title(request.model)}: {licence}.")
    run = services.generate_now(HERE, request, progress_teller())
    for notice in run["notices"]:
        say(notice)
    for card in best_first(run["cards"], most) if is_ranked else run["cards"]:
        path = services.path_of(card["id"], asked.out, asked.format)
        hearing, ranking = card["hearing"], card["ranking"]
        scores = {"clap": card["clap"], **({} if hearing is None else hearing)}
        if request.reward is not None:
            scores["reward"] = card["reward"]
        tell(
            id=card["id"],
            path=str(path),
            prompt=card["prompt"],
            seed=card["settings"]["seed"],
            scores=scores,
            ranking=ranking and {**ranking, **(run["ranking"] or {})},
            settings=card["settings"],
            timings=card["timings"],
            clip=card["clip"],
        )
    if run["error"]:
        raise StudioError(run["error"])
    return 0 if run["status"] == "done" else 1


def best_first(cards: list[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    """Prompt by prompt, each's candidates in the order of their places; those without one last.

    Args:
        cards: of a run, in the order they were asked for.
        most: how many of each prompt; None: all.

    Raises:
        StudioError: nothing ranked them, so that there is no best.
    """
    if cards and not any(card["ranking"] for card in cards):
        raise StudioError(
            "The sounds are made, but nothing ranked them, as said above; ask again with another "
            "--rank-by, or without --rank-by and --best."
        )
    found = []
    for prompt in dict.fromkeys(card["prompt"] for card in cards):
        own = [card for card in cards if card["prompt"] == prompt]
        own.sort(key=lambda card: card["ranking"]["place"] if card["ranking"] else len(own) + 1)
        found += own[:most]
    return found
