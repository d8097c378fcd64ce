"""What the results page says of labels and of the reward model that learned from them."""

from pipelines.recipes.baton import paper
from pipelines.recipes.baton.study import OURS
from pipelines.recipes.baton.writing import Plain, figure, table
from pipelines.reward.stretches import SECONDS, STRETCHES


def reward_model() -> str:
    """Which one scores the unlabelled half."""
    return (
        f"an MLP over CLAP and T5 ({OURS.name}). CLAP hears a sound as a whole and in up to "
        f"{STRETCHES} stretches of {SECONDS:g} s, and reads a caption as a whole and by its phrases: "
        "whether each phrase is heard, and in the promised order, is part of what the head sees "
        "(`pipelines/reward/stretches.py`). The paper's head sees one vector of each."
    )


def labels_section(told: Plain) -> str:
    """How the base's sounds were labelled."""
    rows = []
    for one in told["labels"]:
        shares = [
            f"{100 * one[k] / max(1, one['sounds']):.1f} %" for k in ("aligned", "not", "uncertain")
        ]
        theirs = paper.LABELS.get(one["task"])
        cited = [f"{value:g} %" for value in theirs[1:]] if theirs else ["", "", ""]
        rows.append([one["task"], str(one["sounds"]), *shares, *cited])
    head = ["task", "sounds", "aligned", "not", "uncertain", "paper: aligned", "not", "skipped"]
    return "## Labels of the base's sounds (the paper's Table 3)\n\n" + table(head, rows)


def held_out_section(told: Plain) -> str:
    """How well reward models tell the labels of pairs that they did not learn from."""
    rows, pictures = [], []
    for task, found in told["held_out"]["by task"].items():
        equal = found["agreement"]
        for name, by_labeller in found["scores"].items():
            cells = [
                figure(by_labeller[who]["auc"]) if who in by_labeller else "–"
                for who in ("first", "second")
            ]
            rows.append([task, name, *cells])
        if equal:
            kappa = "–" if equal["kappa"] is None else f"{equal['kappa']:.2f}"
            pictures.append(
                f"- {task}: {found['pairs']} pairs; on the {equal['count']} that both labelled they "
                f"agree in {100 * equal['share']:.1f} % (Cohen's kappa {kappa})."
            )
    ours = next(iter(told["held_out"]["by task"]["both"]["scores"].values()))
    text = (
        "Sounds of the base for dev prompts, drawn as the candidates are, of which no label was seen, "
        "labelled by two simulated labellers: the annotator, and one with the same ears who asks for "
        "more certainty. How often an aligned sound gets more than one that is not (AUC), against "
        "each:\n\n"
    )
    drawn = _histogram(ours["histogram"]) if "histogram" in ours else ""
    return (
        "## Rewards of held-out pairs (the paper's Figure 4)\n\n"
        + text + table(["task", "reward", "AUC, first labeller", "AUC, second"], rows)
        + "\n" + "\n".join(pictures) + "\n\n" + drawn
    )  # fmt: skip


def _histogram(by_label: Plain) -> str:
    """How many sounds got which reward, by label, as bars of letters."""
    lines = ["Predicted rewards where both labellers agree:", "", "```",
             "reward      not aligned           aligned"]  # fmt: skip
    counts = {label: by_label[label]["counts"] for label in ("0", "1")}
    edges = by_label["0"]["edges"]
    most = max(1, *counts["0"], *counts["1"])
    for n, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
        bars = [
            f"{'#' * round(16 * counts[k][n] / most):<16} {counts[k][n]:>3}" for k in ("0", "1")
        ]
        lines.append(f"{low:.2f}–{high:.2f}  {bars[0]}  {bars[1]}")
    return "\n".join([*lines, "```"]) + "\n"
