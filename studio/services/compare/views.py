"""What a page, a link or the command line may see of a comparison, as plain values."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.compare.pairs import difference, distance, summary
from pipelines.compare.verdict import beforehand, verdict
from pipelines.errors import StudioError
from studio.services.compare.held_out import held_out_prompts, plainly
from studio.services.compare.request import SIDES, Wish, wish_from_plain
from studio.services.compare.sitting import sitting_of
from studio.services.engines import Engines
from studio.services.generate.batches import COMPARE
from studio.services.generate.judging import EVALUATION, LISTENER
from studio.services.generate.views import Views, standing
from studio.store.candidates import StoredCandidate
from studio.store.jobs import Job
from studio.store.store import Store

# Who measured what, in the words that people read.
JUDGED_BY = {
    "clap": "CLAP-evaluation",
    "integrity": "simulated listener (annotator)",
    "order": "simulated listener (annotator)",
}
STUDIES = {recipe: Path(folder) / "README.md"  # of assets: a recipe's model against its control
           for recipe, folder in (("baton", "aligned"), ("crpo", "crpo"))}  # fmt: skip
TAUGHT = (
    "B learned from a simulated listener's judgements, and the listener that tells events and order "
    "here is one of the same ears: what it finds better may please it alone. Vote blind, or read the "
    "CLAP score, which taught nobody."
)
MEASURED = (
    "name", "measure", "judge", "a", "b", "difference", "low", "high", "pairs", "p", "p_holm",
    "detectable", "interval",
)  # fmt: skip
COLUMNS = ("clap", "integrity", "order", "lufs", "gain_db", "missing", "id")  # for each side


@dataclass(frozen=True)
class ComparisonViews:
    """Read-only answers. Whoever has the id of a comparison, 122 random bits, may read it."""

    store: Store
    engines: Engines
    cards: Views

    def view(self, comparison: str) -> dict[str, Any]:
        """A comparison as it stands, with every pair whose two sounds are there.

        Raises:
            StudioError: there is no such comparison.
        """
        job = self.job_of(comparison)
        pairs = [self._pair(*both) for both in self._both(job)]
        scored = [(pair["a"]["scores"], pair["b"]["scores"]) for pair in pairs]
        told = {"pairs": pairs, "sitting": sitting_of(self.store, self.engines.adapters, job)}
        return {**self._about(job), **told, **self._measured(job, scored)}

    def _measured(self, job: Job, scored: list[Any]) -> dict[str, Any]:
        """What all pairs say: the scores, the distances, and both in words."""
        found, distances = summary(scored, JUDGED_BY), job.findings.get("distances")
        told = verdict(found, distances)
        if told is not None:
            told["said"] += self._of_aligned(job.findings.get("sides", {}), job.request["prompts"])
        study = self._study_of(job.findings.get("sides", {}).get("b", {}))
        return {"summary": found, "distances": distances, "verdict": told, "study": study}

    def _study_of(self, side: dict[str, Any]) -> str | None:
        """The recipe whose study has the control that this aligned side lacks, where it is there."""
        adapters, adapter = self.engines.adapters, side.get("adapter")
        if not adapter:
            return None
        recipe = "crpo" if self._record_of(adapter).get("recipe") == "crpo" else "baton"
        return recipe if (adapters.assets / STUDIES[recipe]).is_file() else None

    def _of_aligned(self, made: dict[str, dict[str, Any]], prompts: Sequence[str]) -> list[str]:
        """What a gain of an aligned model over its base does not tell by itself."""
        a, b = (made.get(side, {}) for side in SIDES)
        if not b.get("base") or b.get("adapter") == a.get("adapter"):
            return []
        against = "its base" if b["base"] == a.get("model") else a["title"]
        said = [
            f"These are changes against {against}. What the feedback did, and not merely more "
            "training, shows only beside a control: the base trained on for as long on its own data."
        ]
        met = {plainly(text) for text in self.engines.adapters.learned(b["adapter"])}
        if count := sum(plainly(prompt) in met for prompt in prompts):
            said.append(
                f"{count} of the {len(prompts)} prompts are among those that B learned from; a gain "
                "on them tells nothing of others. Compare on held-out prompts."
            )
        return said + ([TAUGHT] if self._is_taught(b["adapter"]) else [])

    def _is_taught(self, adapter: str) -> bool:
        """Whether a simulated listener's judgements made this adapter."""
        return bool(self._record_of(adapter).get("simulated"))

    def _record_of(self, adapter: str) -> dict[str, Any]:
        """All that is known of an adapter; nothing of one that was removed since."""
        try:
            return self.engines.adapters.record(adapter)
        except StudioError:
            return {}

    def beforehand(self, prompts: str) -> str:
        """What a comparison of these prompts, one a line, will be able to find."""
        count = len({" ".join(line.split()) for line in prompts.splitlines()} - {""})
        return beforehand(count) if count else ""

    def held_out(self, models: Sequence[str]) -> list[str]:
        """Prompts that none of these aligned models learned from; none where none of them is one."""
        adapters = self.engines.adapters
        folders = {name: folder for name in models if (folder := adapters.folder_of(name))}
        if not folders:
            return []
        learned = [text for folder in folders.values() for text in adapters.learned(folder.name)]
        base = adapters.base_of(next(iter(folders)))
        return held_out_prompts(base, learned, self.engines.config.max_pairs)

    def latest(self, owner: str, *, limit: int = 20) -> list[dict[str, Any]]:
        """This person's comparisons, the newest first, without their pairs."""
        return [self._about(job) for job in self.store.jobs.latest(owner, [COMPARE], limit=limit)]

    def job_of(self, comparison: str) -> Job:
        """The job of a comparison."""
        job = self.store.jobs.get(comparison)
        if job is None or job.kind != COMPARE:
            raise StudioError("There is no such comparison here; check the link, or compare again.")
        return job

    def picture(self, comparison: str, place: int) -> dict[str, Any]:
        """Both spectrograms of a pair as it is heard, their difference and their timelines."""
        from components.figures import Heard, pair_figures

        def heard(one: StoredCandidate, gain_db: float) -> Heard:
            audio, rate = self.store.clips.read(one.clip)
            scores = scores_of(self.store.candidates.judgements([one.id])[one.id], job)
            events = scores and scores["events"]
            return Heard(audio=audio, sample_rate=rate, gain_db=gain_db, events=events)

        job = self.job_of(comparison)
        for _, both, match in self._whole(job, only=place):
            return pair_figures(*(heard(both[side], match[f"gain_{side}"]) for side in SIDES))
        raise StudioError(f"Pair {place + 1} of this comparison is not there; wait for it.")

    def all_sounds(self, comparison: str) -> dict[tuple[int, str], StoredCandidate]:
        """Every candidate whose pair is whole, by the place of its pair and its side."""
        return {
            (place, side): found[side]
            for place, found, _ in self._whole(self.job_of(comparison))
            for side in SIDES
        }

    def report(self, comparison: str) -> dict[str, Any]:
        """All there is to know: the view, and how every sound was made; nothing drawn."""
        found = self.view(comparison)
        sounds = self.all_sounds(comparison)
        for pair in found["pairs"]:
            for side in SIDES:
                del pair[side]["peaks"]
                pair[side]["recipe"] = sounds[pair["place"], side].recipe
        judges = self.job_of(comparison).findings.get("judges", [])
        told = {"judged_by": JUDGED_BY, "judges": judges, "adapters": self.adapters(comparison)}
        return {**found, **told}

    def adapters(self, comparison: str) -> dict[str, Any]:
        """The records of the adapters of both sides, by their hash, as far as they are here."""
        sides = self.job_of(comparison).findings.get("sides", {})
        found = {}
        for adapter in {made.get("adapter") for made in sides.values()} - {None}:
            with suppress(StudioError):  # removed since; its hash stays with the sounds
                found[adapter] = self.engines.adapters.record(adapter)
        return found

    def table(self, comparison: str) -> str:
        """The pairs as CSV, a row each."""
        told = io.StringIO()
        rows = csv.writer(told)
        rows.writerow(
            ["pair", "prompt", "seed", "distance"]
            + [f"{side}_{name}" for side in SIDES for name in COLUMNS]
            + [f"difference_{name}" for name in ("clap", "integrity", "order")]
        )
        for pair in self.view(comparison)["pairs"]:
            cells = [pair["place"] + 1, pair["prompt"], pair["seed"], pair["distance"]]
            for side in SIDES:
                row = {**(pair[side]["scores"] or {}), **pair[side]}
                row["missing"] = "; ".join(row.get("missing", []))
                cells += [row.get(name) for name in COLUMNS]
            rows.writerow([cell_of(cell) for cell in [*cells, *pair["difference"].values()]])
        return told.getvalue()

    def measures(self, comparison: str) -> str:
        """What all pairs say, as CSV: a row a measure, scores, shares and distances alike."""
        found, told = self.view(comparison), io.StringIO()
        rows = csv.writer(told)
        rows.writerow(MEASURED)
        for part in ("summary", "distances"):
            for measure in (found[part] or {}).get("measures", []):
                values = [measure[side] for side in SIDES]
                heights = [v["value"] if isinstance(v, dict) else v for v in values]
                change = measure["difference"]
                ends = [change[end] for end in ("value", "low", "high", "count")]
                own = [measure.get(name) for name in ("p", "p_holm", "detectable", "interval")]
                cells = [measure["name"], measure["title"], measure["judge"], *heights, *ends, *own]
                rows.writerow([cell_of(cell) for cell in cells])
        return told.getvalue()

    def _about(self, job: Job) -> dict[str, Any]:
        """A comparison without its pairs."""
        wish, made = wish_from_plain(job.request), job.findings.get("sides", {})
        request = {"prompts": list(wish.prompts), "seed": wish.seed, "seconds": wish.seconds}
        for side in SIDES:
            asked = {**job.request[side], "title": self.engines.title(wish.side(side).model)}
            request[side] = {**asked, **made.get(side, {})}
        return {
            **standing(job),
            "request": request,
            "shares_noise": job.findings.get("shares_noise", True),
            "wanted": len(wish.prompts),
        }

    def _whole(
        self, job: Job, only: int | None = None
    ) -> Iterator[tuple[int, dict[str, StoredCandidate], dict[str, Any]]]:
        """Each pair whose two sounds are there and measured: place, candidates, gains.

        Args:
            job: the comparison.
            only: this pair alone.
        """
        there, matches = self.store.jobs.positions(job.id), job.findings.get("matches", {})
        places = [place for place in sorted(map(int, matches)) if only in (None, place)]
        ids = [there[2 * place + i] for place in places for i in range(len(SIDES))]
        found = {one.id: one for one in self.store.candidates.find(ids)}
        for place in places:
            both = {side: found[there[2 * place + i]] for i, side in enumerate(SIDES)}
            yield place, both, matches[str(place)]

    def _both(self, job: Job) -> Iterator[tuple[Wish, int, dict[str, Any], dict[str, Any]]]:
        """Each whole pair with what its sides are: the wish, the place, the sides, the gains."""
        wish, whole = wish_from_plain(job.request), list(self._whole(job))
        said = self.store.candidates.judgements(
            [one.id for _, both, _ in whole for one in both.values()]
        )
        for place, both, match in whole:
            sides = {
                side: {
                    "id": one.id,
                    "seconds": round(one.samples / one.sample_rate, 3),
                    "sample_rate": one.sample_rate,
                    "channels": one.channels,
                    "peaks": self.cards.peaks(one.clip),
                    "gain_db": round(match[f"gain_{side}"], 3),
                    "lufs": match[f"lufs_{side}"] and round(match[f"lufs_{side}"], 2),
                    "scores": scores_of(said[one.id], job),
                }
                for side, one in both.items()
            }
            yield wish, place, sides, match

    def _pair(
        self, wish: Wish, place: int, sides: dict[str, Any], match: dict[str, Any]
    ) -> dict[str, Any]:
        scores = [sides[side]["scores"] for side in SIDES]
        unmatched = {} if match["unmatched"] is None else {"unmatched": match["unmatched"]}
        return {
            "place": place,
            "prompt": wish.prompts[place],
            "seed": wish.seed_of(place),
            **sides,
            "is_matched": match["unmatched"] is None,
            **unmatched,
            "difference": difference(*scores),
            "distance": distance(*scores),
        }


def scores_of(said: dict[str, dict[str, Any]], job: Job) -> dict[str, Any] | None:
    """What the judges of a comparison said of one sound; None before any of them spoke."""
    judges = job.findings.get("judges", [])
    spoke = {judge.split("@")[0]: said[judge] for judge in judges if judge in said}
    if not spoke:
        return None
    nothing = {"integrity": None, "order": None, "missing": [], "events": None}
    heard = spoke.get(LISTENER, nothing)
    return {
        "clap": spoke[EVALUATION]["score"] if EVALUATION in spoke else None,
        **{name: heard[name] for name in nothing},
    }


def file_name(place: int, side: str) -> str:
    """What a sound of a comparison is called: a folder for its side, and its pair, from 1.

    Alike on both sides, so that `evaluate` knows the pairs again.
    """
    return f"{side}/{place + 1:03d}"


def cell_of(value: Any) -> Any:
    """A value as a cell: verdicts as 1 and 0, numbers short, what nobody knows empty.

    A cell that a spreadsheet would take for a formula is made plain text by an apostrophe.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        return f"'{value}"
    return value
