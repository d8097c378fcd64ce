"""`compare`: two models, or one at two settings, over a prompt set; one line of JSON per pair."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.services import Services
from studio.visitors import HERE

MAKING = (("steps", number), ("guidance", number), ("sampler", str))


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    make = verbs.add_parser("compare", help="two models, or one at two settings, side by side")
    make.add_argument("model_a", metavar="MODEL_A", help="a name from `models`, or a folder")
    make.add_argument("model_b", metavar="MODEL_B", help="the other; the same at other settings")
    make.add_argument(
        "--prompts", dest="file", type=Path, required=True, help="a .txt or .csv with prompts"
    )
    make.add_argument("--out", type=Path, required=True, help="folder for report, page and sounds")
    make.add_argument("--seed", type=number, help="of the first pair (default: drawn)")
    make.add_argument("--seconds", type=number, default=10.0)
    make.add_argument(
        "--reference", type=Path, help="folder of real sounds (default: renders of the prompts)"
    )
    make.add_argument(
        "--battle",
        action="store_true",
        help="also put the pairs to a blind vote, and tell its link",
    )
    for name, kind in MAKING:
        make.add_argument(f"--{name}", type=kind, help=f"{name} of both (default: the model's own)")
        for side in "ab":
            make.add_argument(f"--{name}-{side}", type=kind, help=f"{name} of {side.upper()}")
    make.set_defaults(do=compare)


def compare(services: Services, asked: argparse.Namespace) -> int:
    """One line per pair, and one with the summary."""
    wish = services.check_comparison(
        services.read_prompt_file(asked.file),
        a=side_of(asked, "a"),
        b=side_of(asked, "b"),
        seconds=asked.seconds,
        seed=asked.seed,
        most=services.config.max_pairs_alone,
        reference=str(asked.reference.resolve()) if asked.reference else None,
    )
    found = services.compare_now(HERE, wish, progress_teller())
    for notice in found["notices"]:
        say(notice)
    written = services.write_comparison(found["id"], asked.out) if found["pairs"] else {}
    for pair in found["pairs"]:
        told = {name: value for name, value in pair.items() if name not in {"a", "b"}}
        for side in "ab":
            told[side] = {k: v for k, v in pair[side].items() if k != "peaks"}
            told[side]["path"] = str(written[pair["place"], side])
        tell(**told)
    tell(
        comparison=found["id"],
        status=found["status"],
        request=found["request"],
        shares_noise=found["shares_noise"],
        wanted=found["wanted"],
        pairs=len(found["pairs"]),
        summary=found["summary"],
        distances=found["distances"],
        verdict=found["verdict"],
        out=str(asked.out),
    )
    for part in ("summary", "distances", "verdict"):
        for sentence in (found[part] or {}).get("said", []):
            say(sentence)
    for row in (found["distances"] or {}).get("left_out", []):
        say(f"{row['metric']}: {row['why']}")
    if asked.battle:
        battle = services.battles.open_now(HERE, found["id"], progress_teller())
        tell(**battle)
        say(f"Vote blind: open the studio at {battle['link']}")
    if found["error"]:
        raise StudioError(found["error"])
    return 0 if found["status"] == "done" else 1


def side_of(asked: argparse.Namespace, side: str) -> dict[str, Any]:
    """The model of a side, with the flags of its own over those of both."""
    told = {"model": getattr(asked, f"model_{side}")}
    for name, _ in MAKING:
        own = getattr(asked, f"{name}_{side}")
        told[name] = getattr(asked, name) if own is None else own
    return told
