"""The model card of the embedded model: every figure in it comes from evaluation.json."""

import json
from pathlib import Path
from typing import Any

HEAD = """---
license: apache-2.0
pipeline_tag: text-to-audio
library_name: diffusers
---
# The embedded model

A small TangoFlux (joint and single Flux blocks, T5 encoder, duration token, rectified flow) over a
small spectral autoencoder, 16 kHz mono, up to 10.24 s. Everything here was trained by
`python -m pipelines.recipes.world all` on sound that this repository synthesises; no sound, weight
or text from elsewhere is in it. It knows {events} events and {words} words.

The text encoder first learnt to read (which event a word names, what comes before what) and is
frozen since, as TangoFlux's T5 is. `embedded` then read captions that go wrong in habits, as web
corpora do (`pipelines/soundworld/faults.py`): a background is named that does not sound, or one that
sounds is left out; "then" and "and then" stand where no order is meant. `embedded-clean` parts from
it before the last stage and reads the true captions there: as many steps, the same scenes, the same
noise. The difference between the two is what captions do in one stage.

These weights were not trained in one go by the recipe as it stands: stage `order` went on from the
weights published before it, with the encoder that had learnt to read in the place of the one that
had not, and on captions whose faults were fewer and at random; the habits came in stage `base`.

**The listeners are simulated**: networks that say which event sounds when. The annotator labels
and chooses settings on dev. The test judge has another front end, another architecture and other
training scenes, and chose nothing; each time it is opened a line is added to
`assets/test-judge/openings.jsonl`.

Every table below was written by `python -m pipelines.recipes.world evaluate` on combinations of
events that no training saw ({count} scenes of each kind; shares with Wilson 95 % intervals).
"""


def card(result: dict[str, Any]) -> str:
    """The text of the card: nothing in it but what `evaluate` found."""
    parts = [
        HEAD.format(
            events=result["events"], words=result["words"], count=result["scenes of each kind"]
        ),
        _settings(result),
        *(_verdict_table(judge, rows) for judge, rows in result["verdicts"].items()),
        _errors_table(result),
        _distance_table(result),
        _order_table(result),
        _duration_table(result),
        _dev_table(result),
        _curves_table(result),
    ]
    return "\n".join(parts)


def _settings(result: dict[str, Any]) -> str:
    lines = [
        f"- `{name}`: {steps} steps, guidance {guidance}, {dtype}, revision "
        f"`{result['revisions'][name]}`"
        for name, (steps, guidance, dtype) in result["settings"].items()
    ]
    return "\n".join(["Settings of the evaluation:", *lines, ""])


def _share(found: dict[str, Any] | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found['value']:.1f} % [{100 * found['low']:.0f}, {100 * found['high']:.0f}]"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _verdict_table(judge: str, rows: list[dict[str, Any]]) -> str:
    sources = list(dict.fromkeys(row["source"] for row in rows))
    out = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        at = {row["source"]: row for row in rows if row["kind"] == kind}
        out.append([kind, "integrity", *(_share(at[s]["integrity"]) for s in sources)])
        if any("order" in at[s] for s in sources):
            out.append(["", "order", *(_share(at[s].get("order")) for s in sources)])
    title = f"## What the {judge} hears (simulated)\n\n"
    return title + _table(["scene", "demand", *sources], out)


def _errors_table(result: dict[str, Any]) -> str:
    rows = [
        [judge, source, *(_share(found) for found in errors.values())]
        for judge, by_source in result["listener errors"].items()
        for source, errors in by_source.items()
    ]
    names = list(next(iter(next(iter(result["listener errors"].values())).values())))
    title = "## The listeners' own errors\n\n"
    return title + _table(["listener", "sound", *names], rows)


def _distance_table(result: dict[str, Any]) -> str:
    rows = []
    for source, found in result["distances"].items():
        if source == "real":  # against itself
            continue
        kernel, score, frechet = (found[name] for name in ("kernel", "CLAP score", "frechet"))
        rows.append([
            source, f"{frechet['value']:.4f}", _between(frechet["detail"], "unbiased", "unbiased_"),
            _between(kernel, "value", ""), _between(score, "value", ""),
        ])  # fmt: skip
    real = result["distances"]["real"]["CLAP score"]
    text = (
        "Against the real renders of the same test scenes, all kinds together, "
        f"{result['distances']['embedded']['frechet']['counts']['reference_clips']} clips a side. "
        f"The CLAP score of the real renders is {_between(real, 'value', '')}.\n\n"
    )
    head = ["source", "FD-CLAP-evaluation", "the same without bias", "KAD-CLAP-evaluation",
            "CLAP score (evaluation)"]  # fmt: skip
    return "## Distances\n\n" + text + _table(head, rows)


def _between(found: dict[str, Any], name: str, ends: str) -> str:
    return f"{found[name]:.3f} [{found[ends + 'low']:.3f}, {found[ends + 'high']:.3f}]"


def _order_table(result: dict[str, Any]) -> str:
    rows = []
    for name, found in result["order sensitivity"].items():
        apart = found["cosine distance of swapped captions"]
        rows.append([name, _share(found["prefers the true order"]), f"{apart['value']:.3f}"])
    text = "On real renders of two events in order, against the same caption swapped; 50 % is deaf.\n\n"
    head = ["CLAP", "prefers the true order", "cosine distance of swapped captions"]
    return "## Can the CLAPs hear order?\n\n" + text + _table(head, rows)


def _duration_table(result: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{seconds} s",
            f"{row['sounds until']['value']:.2f} s",
            f"{row['median error']:.2f} s",
        ]
        for name, by_seconds in result["duration"].items()
        for seconds, row in by_seconds.items()
    ]
    text = "Where the sound ends (40 dB under its loudest 50 ms) when all 10.24 s are decoded.\n\n"
    head = ["model", "asked", "sounds until (mean)", "median distance"]
    return "## Duration asked and given\n\n" + text + _table(head, rows)


def _dev_table(result: dict[str, Any]) -> str:
    rows = [
        [str(r["guidance"]), _share(r["integrity"]), _share(r.get("order"))] for r in result["dev"]
    ]
    text = "The annotator on dev combinations of two and three events; the default follows it.\n\n"
    return "## Guidance on dev\n\n" + text + _table(["guidance", "integrity", "order"], rows)


def curves(root: Path) -> dict[str, Any]:
    """The training losses of each run under a root: means over tenths, and the last step."""
    found = {}
    for path in sorted(root.glob("*/losses.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        values = [row["loss"] for row in rows]
        size = max(1, len(values) // 10)
        tenths = [values[i : i + size] for i in range(0, size * 10, size) if values[i : i + size]]
        found[path.parent.name] = {
            "steps": rows[-1]["step"],
            "tenths": [sum(tenth) / len(tenth) for tenth in tenths],
        }
    return found


def _curves_table(result: dict[str, Any]) -> str:
    rows = []
    for part, found in result["curves"].items():
        means = found["tenths"]
        fall = (means[-2] - means[-1]) / means[-2]
        shown = (means[0], means[len(means) // 2], means[-2], means[-1])
        row = [part, str(found["steps"]), *(f"{v:.3f}" for v in shown), f"{100 * fall:.1f} %"]
        rows.append(row)
    text = "Training loss, means over tenths of each run.\n\n"
    head = ["part", "steps", "first tenth", "sixth", "ninth", "last", "fall in the last tenth"]
    return "## Convergence\n\n" + text + _table(head, rows)
