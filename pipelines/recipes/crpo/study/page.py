"""The results page of CRPO's study: a function of its figures, so that no number in it was typed."""

from typing import Any

from pipelines.recipes.baton.page import BOTH, MEASURES, SHARES, figure, table
from pipelines.recipes.baton.study import BASE, BATON, CODEC, CONTROL, REAL, THREE, TWO
from pipelines.recipes.crpo.study import paper
from pipelines.recipes.crpo.study.design import CRPO, DPO, LABELS, OFFLINE, PERTURBED
from pipelines.recipes.crpo.study.drawing import plots

TITLES = {
    BASE: "base",
    CONTROL: "control",
    BATON: "BATON, equal cost",
    REAL: "real sounds",
    CODEC: "real, autoencoded",
}
SMALL = ("integrity, two", "order, three", "CLAP", "KL", "FD", "IS")
Plain = dict[str, Any]

HEAD = """---
license: apache-2.0
base_model: embedded
pipeline_tag: text-to-audio
---
# The embedded model, aligned by CRPO

The model samples, a reward ranks, the best is set against the worst, and that is done again, as
papers/tangoflux.txt does it. **The reward learned a simulated listener's labels**; no person heard
these sounds. Everything below was written by `python -m pipelines.recipes.crpo.study` from
`study.json` beside it; nothing was typed.
"""


def page(told: Plain) -> str:
    """The page of what was found so far.

    Args:
        told: as `publishing.figures` gives it.
    """
    found = told["found"]
    parts = [HEAD, _state(told), _how(told)]
    if "headline" in found:
        parts += [_verdict(told), _primary(told), _main_table(told)]
    if "reward" in found:
        parts.append(_reward(found["reward"]))
    if "ways" in found:
        parts += [_ways(told), _losses(found["ways"])]
    parts += [_pictures(told), _drawn(told), _durations(found), _trends(told), _made(told)]
    return "\n".join(part for part in parts if part)


def _state(told: Plain) -> str:
    if not told["is final"]:
        return (
            "> **A run on dev prompts, judged by the annotator, whose labels the reward learned.** It "
            "shows that the study runs; it proves nothing.\n"
        )
    lines = [f"> Judged by the test judge on {told['split']} prompts. Its openings:", ">"]
    lines += [f"> - {one['at']}: {one['reason']}" for one in told["openings"]]
    return "\n".join(lines) + "\n"


def _how(told: Plain) -> str:
    run, material, sampling = (
        told["settings"]["run"],
        told["settings"]["material"],
        told["sampling"],
    )
    plan, rival = run["plan"], told["rival"]
    guidance = run["guidance"] or sampling["guidance"]
    lines = [
        f"- **CRPO**: {run['iterations']} iterations of {run['prompts']} prompts with "
        f"{run['candidates']} sounds each (guidance {guidance:g}); prompts where the base fails, as "
        f"BATON's; {plan['steps']} steps of {plan['pairs']} pairs, β {plan['beta']:g}, the winners' "
        f"own loss counted {plan['anchor']:g}, rate {plan['learning_rate']:g}, LoRA of rank "
        f"{plan['adapter']['rank']}; {told['settings']['seeds']} runs, each with prompts, sounds and "
        "noise of its own.",
        f"- **Reward**: a head over the reward CLAP in stretches, trained on labels of "
        f"{material['prompts']} captions of each task with {material['candidates']} sounds each.",
        f"- **BATON and control at equal cost**: {rival['steps']} steps of {rival['mix']['data']} + "
        f"{rival['mix']['pretrain']} sounds, as many as CRPO's winners and losers; the control on the "
        "base's own training data.",
        f"- **Measured**: {material['clips']} prompts of each set, of combinations of events that no "
        f"training saw; guidance {sampling['guidance']:g} and {sampling['steps']} steps for all arms, "
        "the same noise for all.",
        "- **Intervals**: 95 %, over prompts and runs at once (`pipelines/compare/crossed.py`). FD is "
        "told without the bias of few clips.",
        "- **Judges**: CLAP, FD, KAD, KL, IS and diversity by the evaluation CLAP, which no reward has "
        f"heard; integrity and order by the {told['judge']}.",
    ]
    return "\n".join(lines) + "\n"


def _verdict(told: Plain) -> str:
    rows = []
    for aim in told["found"]["headline"]["aims"]:
        bound = f"at least {100 * aim['aim']:.0f} %" if aim["aim"] else "above 0"
        rows.append(
            [aim["what"], figure(aim, percent=True), bound, "yes" if aim["met"] else "**no**"]
        )
    return "## What was aimed at\n\n" + table(["aim", "found", "asked for", "met"], rows)


def _primary(told: Plain) -> str:
    rows = []
    for one in told["found"]["headline"]["primary"]:
        percent = one["is failure"]
        form = (lambda x: f"{100 * x:.1f} %") if percent else (lambda x: f"{x:.4f}")
        rows.append([
            f"{one['measure']}{' failures' if percent else ''}, {one['on']}",
            TITLES[one["against"]], form(one["other"]), form(one["ours"]),
            figure(one["change"], percent=percent, sign=True), figure(one["cut"], percent=True),
            f"{one['p after Holm']:.2g}",
        ])  # fmt: skip
    head = ["endpoint", "against", "theirs", "CRPO's", "change", "share that is gone", "p (Holm)"]
    text = (
        "Of the last iteration, fixed before the judge was opened (`design.py: PRIMARY`); everything "
        "else is exploratory.\n\n"
    )
    return "## Primary endpoints\n\n" + text + table(head, rows)


def _main_table(told: Plain) -> str:
    found = told["found"]["headline"]
    titles = {**TITLES, **found["titles"]}
    out = []
    for name in (TWO, THREE, BOTH):
        body = [
            [titles[arm], *(figure(one.get(m), percent=m in SHARES) for m in MEASURES)]
            for arm, one in found["rows"][name].items()
        ]
        out.append(
            f"### {name}, {found['clips'][name]:,} clips an arm\n\n" + table(["", *MEASURES], body)
        )
    rows = [
        [
            name, titles[one["of"]], titles[one["minus"]],
            *(figure(one.get(m), percent=m in SHARES, sign=True) for m in MEASURES),
        ]
        for name in (TWO, THREE, BOTH)
        for one in found["changes"][name]
    ]  # fmt: skip
    return (
        "## Iteration by iteration (the paper's Table 1)\n\n"
        + "\n".join(out) + "\n" + _theirs("1", told)
        + "\n## Last iteration minus base, control and BATON\n\n"
        + table(["set", "", "minus", *MEASURES], rows)
    )  # fmt: skip


def _theirs(number: str, told: Plain) -> str:
    """The paper's own rows of a table."""
    last = str(told["settings"]["run"]["iterations"])
    rows = []
    for name, values in paper.ROWS.get(number, {}).items():
        shown = "CRPO, last iteration" if name.endswith(paper.LAST) else _title(name, told, last)
        rows.append([shown, *("–" if v is None else f"{v:g}" for v in values)])
    return "The paper's own, on AudioCaps with other embedders:\n\n" + table(
        ["", *paper.COLUMNS], rows
    )


def _title(name: str, told: Plain, last: str) -> str:
    titles = {**TITLES, **told["found"].get("ways", {}).get("titles", {})}
    return titles.get(name.replace(paper.LAST, last), name)


def _reward(found: Plain) -> str:
    rows = [
        [name, *(figure(by[q], percent=True) for q in ("real before backwards",
                                                       "order, all events there", "order"))]
        for name, by in found["rewards"].items()
    ]  # fmt: skip
    some = next(iter(found["rewards"].values()))["order, all events there"]
    counted = f" ({some['right']} right, {some['wrong']} wrong)" if some else ""
    text = (
        f"{found['prompts']} dev prompts of three events in order. How often a reward puts the better "
        "of two sounds first: a real one before the same events backwards; of the base's "
        f"{found['sounds']} sounds one in the right order before one in the wrong, where all events "
        f"sound{counted}, and among all. 50 % is chance.\n\n"
    )
    head = ["reward", "real before backwards", "right order, all events there", "right order"]
    return "## Does the reward hear order?\n\n" + text + table(head, rows)


def _ways(told: Plain) -> str:
    found, last = told["found"]["ways"], told["settings"]["run"]["iterations"]
    titles = {**TITLES, **found["titles"]}
    every = [f"{CRPO}-{n + 1}" for n in range(last)]
    kinds = (
        ("Figure 2: online and offline", [*every, *(f"{OFFLINE}-{n + 1}" for n in range(last))]),
        ("Figure 3: L_CRPO and L_DPO-FM, both offline",
         [f"{way}-{n + 1}" for way in (OFFLINE, DPO) for n in range(last)]),
        ("Table 3: against static sets",
         [BASE, BATON, f"{LABELS}-1", f"{PERTURBED}-1", every[0], every[-1]]),
        ("Table 4: candidates of a prompt",
         [*(n for n in found["rows"] if n.startswith("n-")), every[0]]),
        ("Table 8: against the group-relative loss", ["group-1", every[0]]),
    )  # fmt: skip
    out = [
        "## What each part does (the paper's Tables 3, 4, 8 and Figures 2 to 4)\n",
        "**Exploratory**: one run of each way, on dev prompts, heard by the annotator and the "
        "evaluation CLAP; intervals over prompts alone.\n",
    ]
    for title, names in kinds:
        body = [
            [titles.get(name, name), *_small(found["rows"][name])]
            for name in dict.fromkeys(names)
            if name in found["rows"]
        ]
        out.append(f"### {title}\n\n" + table(["", *SMALL], body))
    return "\n".join(out)


def _pictures(told: Plain) -> str:
    """Links to the plots, which lie beside the page."""
    names = plots(told)
    if not names:
        return ""
    links = [f"![{name.removesuffix('.svg').replace('-', ' ')}]({name})" for name in names]
    text = "Bars are 95 % intervals over prompts, in Figure 5 quartiles of sounds.\n\n"
    return "## Plots (the paper's Figures 2 to 5)\n\n" + text + "\n".join(links) + "\n"


def _small(row: Plain) -> list[str]:
    return [figure(row[m], percent=m in SMALL[:2]) for m in SMALL]


def _losses(found: Plain) -> str:
    rows = [
        [found["titles"].get(name, name),
         *(f"{one[k]:.4f}" if k in one else "–"
           for k in ("winning_loss", "losing_loss", "reference_winning_loss", "margin")),
         f"{100 * one['accuracy']:.1f} %" if "accuracy" in one else "–", str(one["pairs"])]
        for name, one in found["losses"].items()
    ]  # fmt: skip
    head = [
        "",
        "winning loss",
        "losing loss",
        "reference's winning loss",
        "margin",
        "accuracy",
        "pairs",
    ]
    text = "Means of the last tenth of each iteration's steps.\n\n"
    return "## Winning and losing loss (the paper's Figure 4)\n\n" + text + table(head, rows)


def _drawn(told: Plain) -> str:
    names = {
        "5": "Table 5: of N sounds the one that a reward puts first",
        "6": "Table 6: guidance",
        "7": "Table 7: Euler and Heun at equal evaluations of the denoiser",
    }
    out = []
    for key, found in told["found"].items():
        number = key.split("-")[1] if key.startswith("table-") else ""
        if number not in names:
            continue
        of = "the base" if key.endswith("-base") else "CRPO's last iteration"
        body = [[label, *_small(row)] for label, row in found["rows"].items()]
        count = " + ".join(str(n) for n in found["prompts"].values())
        out.append(
            f"### {names[number]}, of {of}\n\n{count} dev prompts.\n\n" + table(["", *SMALL], body)
        )
    if not out:
        return ""
    there = [number for number in names if f"table-{number}-base" in told["found"]]
    theirs = "\n".join(f"### The paper's Table {n}\n\n" + _theirs(n, told) for n in there)
    return "## Without training\n\n" + "\n".join(out) + "\n" + theirs


def _durations(found: Plain) -> str:
    told = found.get("table-a.8-base")
    if told is None:
        return ""
    rows = [
        [f"{one['asked']:g} s", str(one["sounds"]),
         *(f"{by['median']:.2f} ({by['low']:.2f}–{by['high']:.2f})"
           for by in (one["made"], one["real"])),
         figure(one["adhere"], percent=True), figure(one["real adhere"], percent=True)]
        for one in told["rows"]
    ]  # fmt: skip
    text = (
        "Seconds until the last piece of 20 ms above -60 dBFS, median and quartiles, for prompts of "
        f"one event; and the share of sounds that reach within {told['near']:g} s of what was asked. "
        "The world leaves some silence at the end of its scenes, so real sounds are the mark.\n\n"
    )
    head = ["asked", "sounds", "ours", "real sounds", "ours reach it", "real ones do"]
    return "## Control of duration (the paper's A.8, Figure 5)\n\n" + text + table(head, rows)


def _trends(told: Plain) -> str:
    found = told["found"]
    drawn = {
        key.split("-")[1]: one
        for key, one in found.items()
        if key.startswith("table-") and key.endswith("-base")
    }
    every = [*found.get("ways", {}).get("trends", []), *paper.drawn_trends(drawn)]
    known = [one for one in every if one["ours"] is not None]
    if not known:
        return ""
    last, rows = str(told["settings"]["run"]["iterations"]), []
    for one in every:
        said = "not measured"
        if one["ours"] is not None:
            said = "the same" if one["agrees"] else "**the other way**"
            said += "" if one["is_clear"] else ", within chance"
        names = [_title(one[k], told, last) for k in ("better", "worse")]
        rows.append([
            one["table"], f"{names[0]} above {names[1]}",
            "–" if one["paper"] is None else f"{one['paper']:+.3f}",
            figure(one["ours"], sign=True), said,
        ])  # fmt: skip
    same = sum(one["agrees"] for one in known)
    clear = sum(not one["agrees"] and one["is_clear"] for one in known)
    text = (
        f"In CLAP score. Of {len(known)} differences that were measured, {same} have the paper's "
        f"sign; {clear} clearly have the other. The paper's figures give no numbers.\n\n"
    )
    head = ["table", "the paper says", "paper", "here", "direction"]
    return "## Where the trends differ from the paper's\n\n" + text + table(head, rows)


def _made(told: Plain) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
    revisions = ", ".join(f"{name} `{value}`" for name, value in told["revisions"].items())
    lines = [
        "## How this was made",
        "",
        "```",
        "python -m pipelines.recipes.crpo.study --estimate   # how long it takes here",
        "python -m pipelines.recipes.crpo.study              # on dev; stop it and go on at any time",
        "```",
        "",
        f"- {told['seconds'] / 60:.0f} minutes; {told['foretold'] / 60:.0f} were foretold.",
        f"- {revisions}; {versions}.",
    ]
    if told["left"]:
        lines.append(f"- Not done for want of time: {'; '.join(told['left'])}.")
    return "\n".join(lines) + "\n"
