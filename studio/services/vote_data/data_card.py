"""The data card of an export: what was asked of whom, what is in it, what is not, and why."""

import json
from collections.abc import Sequence
from itertools import chain

import numpy as np

from pipelines.errors import StudioError
from pipelines.splits import SHARES
from pipelines.vote.battles import OUTCOMES, SKIP
from pipelines.vote.rubrics import rules
from studio.services.vote_data.formats import FORMS, SPLIT_SEED, Wish
from studio.services.vote_data.material import LABELS, PAIRWISE, Material
from studio.services.vote_data.parquet import FOLDER, Written

TASKS = {
    PAIRWISE: "which of two sounds is better",
    "integrity": "whether all that the prompt names is to be heard (0, 1 or uncertain)",
    "temporal": "whether it is all to be heard in the order of the words (0, 1 or uncertain)",
    "mos": "opinion scores from 1 to 5",
    "ovl_rel": "scores from 0 to 100",
}


def card(material: Material, wish: Wish, forms: Sequence[str], written: Sequence[Written]) -> str:
    """README.md for the folder, with the head that `datasets` and the Hub read."""
    parts = [
        _head(material, written),
        f"# {_title(material)}",
        *_opening(material),
        "## What was asked",
        *_asked(material),
        "## What is here",
        _table(forms, written),
        *_here(material, wish),
        "## What is left out, and why",
        *_left_out(material, wish, written),
        "## How far people agree",
        agreed(material),
        "## Systems",
        *_systems(material),
        "## Rights and consent",
        *_rights(material),
        "## Made with",
        f"Baton Studio; {_versions()}. Splits: seed {SPLIT_SEED}, shares {dict(SHARES)}. "
        f"Campaign {material.campaign.id}, seed {material.campaign.definition.get('seed')}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def agreed(material: Material) -> str:
    """Krippendorff's alpha over what several people judged, in a sentence for each aspect."""
    from pipelines.vote import agreement  # scipy, for which the page does not wait

    said, seed = [], int(material.campaign.definition["seed"])  # as Results draws
    for aspect, scale, ratings in _ratings(material):
        try:
            found = agreement.evaluate(ratings, scale=scale, seed=seed)
        except StudioError as error:
            said.append(f"{aspect}: not known. {error}")
            continue
        if found["value"] is None:
            said.append(f"{aspect}: not defined; all answers are equal.")
            continue
        low, high = (f"{found[end]:.2f}" for end in ("low", "high"))
        said.append(
            f"{aspect}: Krippendorff's alpha ({scale}) {found['value']:.2f} [{low}, {high}], 95 % "
            f"over {found['items']} items judged by two people or more, {found['raters']} voters."
        )
    return "\n".join(f"- {one}" for one in said)


def _ratings(material: Material) -> list[tuple[str, str, np.ndarray]]:
    """Aspect, scale and table [voters, items] of each question."""
    if material.task != PAIRWISE:
        answers: dict[str, dict[tuple, float]] = {}
        for vote in material.votes.votes:
            for place, aspect, value in vote.scores:
                code = 2.0 if value is None else value  # uncertain is an answer of its own
                item = (vote.prompt, *vote.sounds[place])
                answers.setdefault(aspect, {})[vote.voter, item] = code
        scale = "nominal" if material.task in LABELS else "interval"
        return [(aspect, scale, _filled(found)) for aspect, found in sorted(answers.items())]
    verdicts = {}
    for vote in material.votes.votes:
        if vote.kind == "ab" and vote.outcome != OUTCOMES[SKIP]:
            pair = tuple(sorted(vote.sounds))
            turned = {"a": "b", "b": "a"} if pair != vote.sounds else {}
            code = OUTCOMES.index(turned.get(vote.outcome, vote.outcome))
            verdicts[vote.voter, (vote.prompt, *chain(*pair))] = float(code)
    return [("preference", "nominal", _filled(verdicts))]


def _filled(answers: dict[tuple, float]) -> np.ndarray:
    """[voters, items], not-a-number where a voter gave no answer."""
    voters = {voter: row for row, voter in enumerate(sorted({voter for voter, _ in answers}))}
    items = {item: column for column, item in enumerate(sorted({item for _, item in answers}))}
    table = np.full((len(voters), len(items)), np.nan)
    for (voter, item), value in answers.items():
        table[voters[voter], items[item]] = value
    return table


def _head(material: Material, written: Sequence[Written]) -> str:
    """YAML; a JSON string is one of its strings too, so no title can break out."""
    lines = ["---", f"pretty_name: {json.dumps(_title(material), ensure_ascii=False)}"]
    tags = ["audio", "text-to-audio", "baton-studio", f"baton-{material.task.replace('_', '-')}"]
    tags += ["simulated-votes"] if material.is_simulated else ["human-feedback"]
    lines += ["tags:", *(f"- {tag}" for tag in tags)]
    stored = [one for one in written if one.is_parquet and one.counts]
    if stored:
        lines.append("configs:")
    for place, one in enumerate(stored):
        lines.append(f"- config_name: {one.name}")
        lines += ["  default: true"] if place == 0 else []
        lines.append("  data_files:")
        for split in one.counts:
            lines += [f"  - split: {split}", f"    path: {FOLDER}/{one.name}/{split}.parquet"]
    return "\n".join([*lines, "---"])


def _title(material: Material) -> str:
    whose = "simulated votes" if material.is_simulated else "people's votes"
    return f"{plain(material.campaign.definition['title'])} ({whose})"


def _opening(material: Material) -> list[str]:
    votes = material.votes.votes
    voters = len({vote.voter for vote in votes})
    prompts, systems = (material.campaign.definition[key] for key in ("prompts", "systems"))
    said = [
        f"{len(votes)} votes of {voters} voters on {len(prompts)} prompts and {len(systems)} "
        f"systems; the question was {TASKS[material.task]}."
    ]
    if material.is_simulated:
        said.append(
            "**These votes are simulated.** A listener trained on a synthetic sound world cast "
            "them, for tests and demonstrations. No person was asked; do not present them as such."
        )
    if origin := material.campaign.definition.get("origin"):
        said.append(
            f"They were imported ({plain(str(origin.get('format')))}, from "
            f"{plain(str(origin.get('campaign') or origin.get('file')))}); this studio did not "
            "collect them and cannot say how they were cast."
        )
    else:
        said.append(
            "They were cast blind: equal loudness, rate, channels and length, sounds in random "
            "order under random names."
        )
    return said


def _asked(material: Material) -> list[str]:
    told = material.campaign.definition
    found = rules(
        material.task,
        told["aspects"],
        rubric=told.get("rubric"),
        half_steps=bool(told.get("half_steps")),
    )
    lines = [f"**{found['heading']}**", "\n".join(f"- {line}" for line in found["lines"])]
    for aspect in found["aspects"].values():
        scale = "; ".join(
            f"{'?' if step['value'] is None else step['value']}: {step['says']}"
            for step in aspect["scale"]
        )
        lines.append(f"{aspect['title']}. {aspect['question']} {scale}")
    return lines


def _table(forms: Sequence[str], written: Sequence[Written]) -> str:
    """Rows by split of each form that has any."""
    lines = ["| form | " + " | ".join(SHARES) + " |", "|---|" + "---|" * len(SHARES)]
    for one in written:
        kind = f"`{one.name}` (parquet)" if one.is_parquet else f"`{one.name}`"
        counts = " | ".join(str(one.counts.get(split, 0)) for split in SHARES)
        lines.append(f"| {kind} | {counts} |")
    said = "\n".join(f"- {form}: {FORMS[form][0]}" for form in forms)
    return said + ("\n\n" + "\n".join(lines) if written else "")


def _here(material: Material, wish: Wish) -> list[str]:
    sounds = "as they were played (made fair)" if wish.fair else "as they were made"
    said = [
        f"Sounds are {sounds}, each named by the SHA-256 of its bytes. Paths are from this folder.",
        "A prompt with a label group is on the side of its group, any other on the side of its "
        "words: every phrasing and order of the same events stays together.",
    ]
    if wish.aspect:
        said.append(f"Pairs are from the answers on {wish.aspect}, not from the preference.")
    return said


def _left_out(material: Material, wish: Wish, written: Sequence[Written]) -> list[str]:
    lines = [f"- votes {reason}: {count}" for reason, count in material.votes.left_out.items()]
    forms: dict[tuple[str, int], list[str]] = {}
    for one in written:
        for told in sorted(one.left_out.items()):
            forms.setdefault(told, []).append(f"`{one.name}`")
    lines += [f"- {', '.join(names)}: {why}: {n}" for (why, n), names in forms.items()]
    said = ["\n".join(lines) if lines else "Nothing."]
    if material.task == PAIRWISE:
        asked = [n for n, on in (("ties", wish.ties), ("both bad", wish.both_bad)) if on]
        said.append(
            f"A pair trains when at least {wish.agreement:.0%} of its votes chose one sound. "
            + (
                f"Asked for beyond that: {', '.join(asked)}, where one still leads. "
                if asked
                else ""
            )
            + "Battles with a spoiled sound, or of one system with itself, never train."
        )
    elif material.task in LABELS:
        said.append(
            f"An unpaired row has the label that at least {wish.agreement:.0%} of the answers gave."
        )
    return said


def _systems(material: Material) -> list[str]:
    lines = []
    for system in material.campaign.definition["systems"]:
        made = ", ".join(
            f"{key} {plain(str(system[key]))}"
            for key in ("model", "steps", "guidance", "sampler")
            if system.get(key) is not None
        )
        title = plain(str(system.get("title") or ""))
        lines.append(f"- {plain(system['name'])}: {title} ({made or 'sounds from a folder'})")
    return ["\n".join(lines)]


def _rights(material: Material) -> list[str]:
    return [
        "The sounds are what the systems above made, or what was put in; their licences and the "
        "rights in their training data hold here too. Check them before you publish or train.",
        "Voters are numbered and not named. A voter may have their votes deleted in the studio; "
        "what was handed on before cannot be called back, so write this folder again from time to "
        "time and replace the old one. Prompts and reasons are words that people typed: read them "
        "before you make this public.",
    ]


def _versions() -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("datasets", "pyarrow", "numpy"))


def plain(words: str) -> str:
    """A person's words on one line, with nothing that Markdown or HTML would take for its own."""
    line = " ".join(words.split())[:200]
    return "".join(f"\\{sign}" if sign in "\\`*_[]|#!" else sign for sign in line).translate(
        {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;"}
    )
