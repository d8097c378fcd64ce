"""Which plots a study has: the paper's Figures 2 to 5 from the figures that were found."""

from typing import Any

from pipelines.recipes.baton.study import BASE
from pipelines.recipes.crpo.study.design import CRPO, DPO, OFFLINE
from pipelines.recipes.crpo.study.plots import Point, lines

MEASURES = {"CLAP": "CLAP score", "KL": "KL", "IS": "IS", "order, three": "order held, share"}
Plain = dict[str, Any]


def plots(told: Plain) -> dict[str, str]:
    """SVG by file name; none of what was not found.

    Args:
        told: as `publishing.figures` gives it.
    """
    found, last = told["found"], told["settings"]["run"]["iterations"]
    made: dict[str, str] = {}
    if "ways" in found:
        rows = found["ways"]["rows"]
        for number, names in (
            ("2", {"online": CRPO, "offline": OFFLINE}),
            ("3", {"L_CRPO": OFFLINE, "L_DPO-FM": DPO}),
        ):
            for measure, label in MEASURES.items():
                series = {
                    name: _by_iteration(rows, way, measure, last) for name, way in names.items()
                }
                if all(len(points) > 1 for points in series.values()):
                    name = f"figure-{number}-{measure.split(',')[0].lower()}.svg"
                    title = f"{label} by iteration"
                    made[name] = lines(title, series, x_label="iteration", y_label=label)
        made |= _losses(found["ways"]["losses"], last)
    timed = found.get("table-a.8-base")
    if timed:
        series = {
            kind: [Point(one["asked"], one[key]["median"], one[key]["low"], one[key]["high"])
                   for one in timed["rows"]]
            for kind, key in (("ours", "made"), ("real sounds", "real"))
        }  # fmt: skip
        made["figure-5.svg"] = lines(
            "How long it sounds", series, x_label="seconds asked", y_label="seconds heard"
        )
    return made


def _by_iteration(rows: Plain, way: str, measure: str, last: int) -> list[Point]:
    """A way's figures, the base as iteration 0."""
    names = {0: BASE, **{n: f"{way}-{n}" for n in range(1, last + 1)}}
    return [
        Point(
            n, rows[name][measure]["value"], rows[name][measure]["low"], rows[name][measure]["high"]
        )
        for n, name in names.items()
        if name in rows
    ]


def _losses(found: Plain, last: int) -> dict[str, str]:
    """Figure 4: winning and losing loss of both, offline."""
    series = {}
    for told, way in (("L_CRPO", OFFLINE), ("L_DPO-FM", DPO)):
        for kind in ("winning", "losing"):
            series[f"{told}, {kind}"] = [
                Point(n, found[f"{way}-{n}"][f"{kind}_loss"])
                for n in range(1, last + 1)
                if f"{kind}_loss" in found.get(f"{way}-{n}", {})
            ]
    if not all(len(points) > 1 for points in series.values()):
        return {}
    title = "Winning and losing loss by iteration"
    return {"figure-4.svg": lines(title, series, x_label="iteration", y_label="loss")}
