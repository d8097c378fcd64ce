"""The results page of a study: a function of its figures, so that no number in it was typed."""

from pipelines.recipes.baton import paper
from pipelines.recipes.baton.page_rewards import held_out_section, labels_section, reward_model
from pipelines.recipes.baton.study import (
    BASE,
    BATON,
    CODEC,
    CONTROL,
    INTEGRITY,
    REAL,
    SHIPPED,
    TASK_OF,
    TEMPORAL,
    THREE,
    TWO,
)
from pipelines.recipes.baton.writing import Plain, figure, table

BOTH = "both sets"
TITLES = {
    BASE: "base",
    CONTROL: "control",
    BATON: "**BATON**",
    SHIPPED: "BATON as we ship it",
    REAL: "real sounds",
    CODEC: "real, autoencoded",
}
MEASURES = ("integrity", "order", "CLAP", "FD", "KAD", "KL", "IS", "diversity")
SHARES = ("integrity", "order")

HEAD = """---
license: apache-2.0
base_model: embedded
pipeline_tag: text-to-audio
---
# The embedded model, aligned by BATON

Labels → reward model → reward-weighted fine-tuning, as papers/baton.txt does it, on the embedded
model. **The labels are a simulated listener's**, with a person's errors and doubts; no person heard
these sounds. Everything below was written by `python -m pipelines.recipes.baton` from `study.json`
beside it; nothing was typed.
"""


def page(told: Plain) -> str:
    """The page of what was found so far.

    Args:
        told: as `publishing.figures` gives it.
    """
    parts = [HEAD, _state(told), _how(told)]
    if told["headline"]:
        parts += [_verdict(told), _primary(told), _main_table(told), _changes(told)]
    if told.get("labels"):
        parts.append(labels_section(told))
    if told["held_out"]:
        parts.append(held_out_section(told))
    if told["ablations"]:
        parts += [_ablations(told), _trends(told)]
    if told.get("epochs"):
        parts.append(_epochs(told))
    if told["bench"]:
        parts.append(_bench(told))
    parts.append(_made(told))
    return "\n".join(parts)


def _state(told: Plain) -> str:
    if not told["is final"]:
        return (
            "> **A run on dev prompts, judged by the annotator, who also labelled.** It shows that "
            "the study runs; it proves nothing.\n"
        )
    lines = [f"> Judged by the test judge on {told['split']} prompts. Its openings:", ">"]
    lines += [f"> - {one['at']}: {one['reason']}" for one in told["openings"]]
    return "\n".join(lines) + "\n"


def _how(told: Plain) -> str:
    settings, sampling = told["settings"], told["sampling"]
    plan = settings["plan"]
    adapter = plan["adapter"]
    kind = "all weights" if adapter is None else f"LoRA of rank {adapter['rank']}"
    guidance = settings["candidate_guidance"] or sampling["guidance"]
    lengths = (
        f"{settings['seconds']} s"
        if settings["seconds"]
        else "as long as the world draws such scenes"
    )
    lines = [
        f"- **Data**: {settings['prompts']} labelled and {settings['prompts']} scored captions of "
        f"each task, {settings['candidates']} sounds of the base for each ({lengths}, guidance "
        f"{guidance:g}); {settings['pretraining']} scenes of the base's own training data, with the "
        "captions that it read there.",
        f"- **Reward model**: {reward_model()}",
        f"- **Training**: {kind}, {plan['steps']} steps of {plan['mix']['data']} + "
        f"{plan['mix']['pretrain']} rows, rate {plan['learning_rate']:g}, β {plan['beta']:g}; "
        f"{settings['seeds']} trainings an arm. The seed drives the adapter's start, the order of "
        "the data and the noise; captions, sounds, labels and rewards are shared.",
        "- **Control**: the base trained on by the same plan, for as many steps: in the place of "
        "BATON's sounds as many scenes of its own training data, gone through as often, with the "
        "captions that it read there, each counting 1. Every gain is told against it too.",
        f"- **Measured**: {settings['clips']} prompts of two events (half together, half in order) "
        f"and {settings['clips']} of three in order, of combinations of events that no training "
        f"saw; each training on noise of its own, the base on the same noise; guidance "
        f"{sampling['guidance']:g} and {sampling['steps']} steps for all arms.",
        "- **Intervals**: 95 %, over prompts and trainings at once (two-way random effects, Student's "
        "t, Satterthwaite's freedom; `pipelines/compare/crossed.py`). Prompts of the same events are "
        "drawn together. FD is told without the bias of few clips.",
        "- **Judges**: CLAP, FD, KAD, KL, IS and diversity by the evaluation CLAP, which no reward "
        "has heard (KL and IS by its zero-shot choice among the events); integrity and order by the "
        f"{told['judge']}.",
    ]
    rows = told.get("rows")
    if rows:
        lines.append(
            f"- **Rows**: {rows['human']} labelled, {rows['reward']} scored, {rows['pretrain']} of "
            f"D_pretrain; mean weight {rows['mean_weight']:.2f}, {rows['zero_weights']} of weight 0."
        )
    return "\n".join(lines) + "\n"


def _verdict(told: Plain) -> str:
    rows = []
    for aim in told["headline"]["aims"]:
        bound = f"{'at most' if aim['bound'] == 'upper' else 'at least'} {100 * aim['aim']:.0f} %"
        rows.append([
            aim["what"], figure(aim, percent=True),
            bound + (" (upper bound)" if aim["bound"] == "upper" else ""),
            "yes" if aim["met"] else "**no**",
        ])  # fmt: skip
    clips = told["headline"]["clips"][BOTH]
    text = f"{clips:,} clips an arm, both sets together, for gap and distance.\n\n"
    return "## What was aimed at\n\n" + text + table(["aim", "found", "asked for", "met"], rows)


def _primary(told: Plain) -> str:
    rows = [
        [
            f"{one['measure']} failures, {one['on']}", one["against"],
            f"{100 * one['other']:.1f} %", f"{100 * one['baton']:.1f} %",
            figure(one["change"], percent=True, sign=True), figure(one["cut"], percent=True),
            f"{one['p after Holm']:.2g}",
        ]
        for one in told["headline"]["primary"]
    ]  # fmt: skip
    head = ["endpoint", "against", "theirs", "BATON's", "change", "share that is gone", "p (Holm)"]
    text = "Fixed before the judge was opened (`study.py: PRIMARY`); everything else is exploratory.\n\n"
    return "## Primary endpoints\n\n" + text + table(head, rows)


def _main_table(told: Plain) -> str:
    out = []
    for name in (TWO, THREE, BOTH):
        rows = told["headline"]["rows"][name]
        body = [
            [TITLES[arm], *(figure(one.get(m), percent=m in SHARES) for m in MEASURES)]
            for arm, one in rows.items()
        ]
        out.append(f"### {name}\n\n" + table(["", *MEASURES], body))
    text = _paper_four()
    return "## Baseline against aligned (the paper's Table 4)\n\n" + "\n".join(out) + "\n" + text


def _paper_four() -> str:
    rows = []
    for task in (INTEGRITY, TEMPORAL):
        for arm, values in paper.ROWS["4"][task].items():
            rows.append([task, {BASE: "Tango"}.get(arm, "BATON"), *(f"{v:g}" for v in values)])
    return "The paper's own, on AudioCaps with other embedders:\n\n" + table(
        ["task", "", *paper.COLUMNS], rows
    )


def _changes(told: Plain) -> str:
    rows = []
    for name in (TWO, THREE, BOTH):
        for found in told["headline"]["changes"][name]:
            rows.append([
                name, TITLES[found["of"]], TITLES[found["minus"]],
                *(figure(found.get(m), percent=m in SHARES, sign=True) for m in MEASURES),
            ])  # fmt: skip
    return "## BATON minus base, and minus control\n\n" + table(
        ["set", "", "minus", *MEASURES], rows
    )


def _ablations(told: Plain) -> str:
    found = told["ablations"]
    out = [
        "## What each part does (the paper's Tables 5 to 8 and 13)\n",
        "**Exploratory**: one training of each arm, on dev prompts, heard by the annotator (who also "
        "labelled) and the evaluation CLAP; intervals over prompts alone.\n",
    ]
    for number, title in (
        ("5", "without human feedback: the same data, every sound counted 1"),
        ("6", "labels, rewards, or both"),
        ("7", "without and with the pretraining loss"),
        ("13", "weight of the pretraining loss"),
        ("8", "the reward model's text encoder and loss"),
    ):
        names = [name for name in _rows_of(number, told) if name in found["rows"][TWO]]
        body = []
        for name in names:
            two, three, both = (found["rows"][s][name] for s in (TWO, THREE, BOTH))
            body.append([
                TITLES.get(name, found["titles"].get(name, name)),
                figure(two["integrity"], percent=True), figure(three["order"], percent=True),
                figure(two["CLAP"]), figure(three["CLAP"]), figure(both["FD"]),
                figure(both["KL"]), figure(both["IS"]),
            ])  # fmt: skip
        head = ["", "integrity, two", "order, three", "CLAP, two", "CLAP, three", "FD", "KL", "IS"]
        out.append(f"### Table {number}: {title}\n\n" + table(head, body))
    return "\n".join(out)


def _rows_of(number: str, told: Plain) -> list[str]:
    """The arms of a table, base and control first, BATON last."""
    own = {
        "5": ["plain-human", "plain-both"],
        "6": ["human-only", "reward-only"],
        "7": ["no-pretraining-loss"],
        "13": [name for name in told["ablations"]["titles"] if name.startswith("beta-")],
        "8": [name for name in told["ablations"]["titles"] if name.startswith("head-")],
    }[number]
    return [BASE, CONTROL, *own, BATON]


def _trends(told: Plain) -> str:
    rows, titles = [], told["ablations"]["titles"]
    beta = f"beta-{told['settings']['plan']['beta']:g}"
    for one in told["trends"]:
        names = [titles.get(BATON if n == beta else n, n) for n in (one["better"], one["worse"])]
        ours = one["ours"]
        said = "not measured"
        if ours is not None:
            said = "the same" if one["agrees"] else "**the other way**"
            said += "" if one["is_clear"] else ", within chance"
        rows.append([
            one["table"], TASK_OF_SET[one["task"]], f"{names[0]} above {names[1]}",
            f"{one['paper']:+.1f}",
            "–" if ours is None else f"{100 * ours['value']:+.1f} "
            f"[{100 * ours['low']:+.1f}, {100 * ours['high']:+.1f}]",
            said,
        ])  # fmt: skip
    known = [one for one in told["trends"] if one["ours"] is not None]
    same = sum(one["agrees"] for one in known)
    clear = [one for one in known if not one["agrees"] and one["is_clear"]]
    text = (
        f"In points of CLAP score. Of {len(known)} differences that were measured, {same} have the "
        f"paper's sign; {len(clear)} clearly have the other.\n\n"
    )
    head = ["table", "set", "the paper says", "paper", "here", "direction"]
    return "## Where the trends differ from the paper's\n\n" + text + table(head, rows)


TASK_OF_SET = {task: name for name, task in TASK_OF.items()}


def _epochs(told: Plain) -> str:
    rows = [
        [
            str(one["step"]),
            f"{one['epoch']:.2f}",
            *(f"{one['clap'][t]:.4f}" for t in TASK_OF.values()),
        ]
        for one in told["epochs"]
    ]
    count = told["epochs"][0]["prompts"]
    text = (
        f"The evaluation CLAP's score of {count} dev prompts of each set while BATON's first training "
        "ran, the same noise at each moment.\n\n"
    )
    head = ["step", "epoch", *TASK_OF]
    return "## CLAP score by epoch (the paper's Figure 8)\n\n" + text + table(head, rows)


def _bench(told: Plain) -> str:
    bench = told["bench"]
    pace = bench["seconds a step"]
    rows = [
        ["seconds a step, latents and text cached", f"{pace['cached']:.3f}"],
        ["seconds a step, encoded anew at each, as the reference does", f"{pace['reference']:.3f}"],
        ["times as fast", f"{bench['times as fast']:.2f}"],
        *([name, f"{value:,.0f} bytes"] for name, value in bench["bytes"].items()),
    ]
    return "## Cost of a step\n\n" + table(["", f"{bench['rows a step']} rows a step"], rows)


def _made(told: Plain) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
    revisions = ", ".join(f"{name} `{value}`" for name, value in told["revisions"].items())
    lines = [
        "## How this was made",
        "",
        "```",
        "python -m pipelines.recipes.baton --estimate   # how long it takes here",
        "python -m pipelines.recipes.baton              # on dev; stop it and go on at any time",
        "```",
        "",
        f"- {told['seconds'] / 60:.0f} minutes of one core; {told['foretold'] / 60:.0f} were foretold.",
        f"- {revisions}; {versions}.",
    ]
    if told["adapter"]:
        lines.append(
            f"- The adapter that we ship, `{told['adapter']}`, {told['adapter bytes'] / 1000:.0f} kB, is "
            f"BATON's first training (`{told['shrunk']['of']}`, rank {told['shrunk']['rank']}) at rank "
            f"{told['settings']['shipped_rank']}, which keeps {100 * told['shrunk']['kept']:.0f} % of "
            "its change in squares. It was measured by itself, on all noise seeds; its intervals tell "
            "nothing of other trainings."
        )
    if told["left"]:
        lines.append(f"- Not done for want of time: {'; '.join(told['left'])}.")
    return "\n".join(lines) + "\n"
