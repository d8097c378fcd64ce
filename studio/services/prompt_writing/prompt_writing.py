"""Captions from label groups, reviewed by a person, then put before listeners or models."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipelines.errors import StudioError
from pipelines.prompts.orders import every_order, order_words
from pipelines.seeds import fork
from studio.config import Config
from studio.jobs import Worker
from studio.refusals import Conflict
from studio.services.campaigns.campaigns import Campaigns
from studio.services.prompt_writing.captions import (
    COLUMNS,
    MODEL,
    Caption,
    caption_from,
    caption_of,
    needs_order,
    ordered,
    plain,
    replaced,
    reworded,
    written,
)
from studio.services.prompt_writing.drafts import Draft, Drafts
from studio.services.prompt_writing.label_source import SPLITS, LabelSource, source_from
from studio.services.prompt_writing.model_wording import KIND
from studio.services.prompt_writing.request import MOST_CAPTIONS, TASKS, Wish, check_wish
from studio.services.requests import check_prompts
from studio.store.jobs import JobTable

TAKES = 5  # sounds of each caption, as in the paper
PLACES = ("A", "B", "C")  # stand for the labels in the list of orders; the page puts them in


@dataclass(frozen=True)
class PromptWriting:
    """Writes lists of captions, changes them, and hands them on."""

    config: Config
    drafts: Drafts
    jobs: JobTable
    campaigns: Campaigns
    worker: Callable[[], Worker]  # asked for when needed: the worker knows this work too

    def choices(self) -> dict[str, Any]:
        """What may be asked for: tasks, splits, writers, the embedded set's size, all orders."""
        from pipelines.soundworld.events import LABELS

        return {
            "tasks": [{"name": name, "about": about} for name, about in TASKS.items()],
            "splits": [{"name": name, "about": about} for name, about in SPLITS.items()],
            "model": self.config.llm_model and self.config.llm_model.rstrip("/").split("/")[-1],
            "embedded": len(LABELS),
            "most": MOST_CAPTIONS,
            "takes": TAKES,
            "orders": {
                size: [order_words(PLACES[:size], order) for order in every_order(size)]
                for size in (2, 3)
            },
        }

    def check(self, **wishes: Any) -> Wish:
        """The wish, checked; see `request.check_wish`."""
        return check_wish(self.config, **wishes)

    def write(self, wish: Wish) -> list[Caption]:
        """Captions by grammar.

        Raises:
            StudioError: the split has not so many groups.
        """
        asks = wish.source.draw(wish.task, wish.count, split=wish.split, seed=wish.seed, used=set())
        return written(wish.source, asks, first=1, seed=wish.seed, by_model=wish.by_model)

    def create(self, owner: str, wish: Wish) -> str:
        """Remember the captions for review, and have the model word them if it was wished; the id."""
        draft = self._remember(owner, wish, self.write(wish))
        if wish.by_model:
            self.ask_model(owner, draft["id"])
        return draft["id"]

    def write_now(
        self, owner: str, wish: Wish, on_progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """The captions as a table, here and now, as the command line wants them; none is kept.

        Where the model fails, what it has worded and the grammar's rest are there beside the error.
        """
        captions, error = self.write(wish), None
        if wish.by_model:
            draft = self._remember(owner, wish, captions)
            request = {"draft": draft["id"], "count": len(captions)}
            done = self.worker().run_now(
                KIND, owner, request, lambda desk: on_progress(desk.progress, desk.note)
            )
            captions, error = captions_of(self.drafts.get(owner, draft["id"])), done.error
            self.drafts.remove(owner, draft["id"])
        return {
            "table": table_of(captions, wish.task, wish.split),
            "count": len(captions),
            "by_model": sum(one.written_by == MODEL for one in captions),
            "marks": {one.number: one.mark for one in captions if one.mark},
            "error": error,
        }

    def listing(self, owner: str) -> list[dict[str, Any]]:
        """One's own lists, the newest first."""
        return [self._summary(draft) for draft in self.drafts.latest(owner)]

    def view(self, owner: str, draft: str) -> dict[str, Any]:
        """A list with its captions, as it stands."""
        found = self.drafts.get(owner, draft)
        captions = captions_of(found)
        job = self.jobs.get(found["job"]) if found["job"] else None
        is_writing = job is not None and not job.is_over
        return {
            **self._summary(found),
            "seed": found["seed"],
            "is_embedded": bool(found["labels"].get("is_embedded")),
            "label_set": found["labels"].get("name", "Embedded events"),
            "by_model": found["by_model"],
            "captions": [one.view(found["task"]) for one in captions],
            "is_writing": is_writing,
            "progress": job.progress if is_writing else None,
            "note": job.note if is_writing else None,
            "error": job.error if job and not is_writing else None,
            "awaiting": sum(one.awaits_model and not one.is_dropped for one in captions),
            "campaigns": found["campaigns"],
        }

    def reword(self, owner: str, draft: str, number: int, text: Any) -> dict[str, Any]:
        """A caption in the person's own words; its labels stay, its order is read anew.

        Raises:
            StudioError: no words, too many, or another caption's.
        """
        if not isinstance(text, str):
            raise StudioError(f"The words are {str(text)[:40]!r}; give a text.")
        [words] = check_prompts(self.config, [text], 1, "written")
        return self._change(owner, draft, number, lambda one, source: reworded(one, words, source))

    def set_order(self, owner: str, draft: str, number: int, choice: Any) -> dict[str, Any]:
        """The order that the person says a caption promises.

        Raises:
            StudioError: there is no such order.
        """
        return self._change(owner, draft, number, lambda one, source: ordered(one, choice, source))

    def drop(self, owner: str, draft: str, number: int, *, is_dropped: bool) -> dict[str, Any]:
        """Leave a caption out, or take it in again."""
        return self._change(
            owner, draft, number, lambda one, source: replace(one, is_dropped=is_dropped)
        )

    def draw_again(self, owner: str, draft: str, number: int) -> dict[str, Any]:
        """Another group of labels in the place of this caption's.

        Raises:
            StudioError: no group of the split is left.
        """

        def change(found: Draft) -> Draft:
            captions = captions_of(found)
            caption_of(captions, number)
            new = self._draw_one(found, captions, number)
            return {**with_captions(found, replaced(captions, new)), "draws": found["draws"] + 1}

        return self._changed(owner, draft, change)

    def add(self, owner: str, draft: str) -> dict[str, Any]:
        """One caption more, of a new group.

        Raises:
            StudioError: no group of the split is left, or the list is full.
        """

        def change(found: Draft) -> Draft:
            captions = captions_of(found)
            if len(captions) >= MOST_CAPTIONS:
                raise Conflict(f"The list has {MOST_CAPTIONS} captions; begin another.")
            number = 1 + max((one.number for one in captions), default=0)
            new = self._draw_one(found, captions, number)
            return {**with_captions(found, [*captions, new]), "draws": found["draws"] + 1}

        return self._changed(owner, draft, change)

    def ask_model(self, owner: str, draft: str) -> None:
        """Have the language model word the captions that wait for it.

        Raises:
            Conflict: it is at it, or nothing waits.
        """
        found = self.drafts.get(owner, draft)
        job = self.jobs.get(found["job"]) if found["job"] else None
        if job is not None and not job.is_over:
            raise Conflict("The language model is at this list already.")
        waiting = sum(one.awaits_model and not one.is_dropped for one in captions_of(found))
        if not waiting:
            raise Conflict("No caption of this list waits for the language model.")
        name = self.worker().submit(KIND, owner, {"draft": draft, "count": waiting})
        self.drafts.change(owner, draft, lambda found: {**found, "job": name})

    def stop(self, owner: str, draft: str) -> bool:
        """Ask the wording to stop; captions that are there stay."""
        found = self.drafts.get(owner, draft)
        return bool(found["job"]) and self.jobs.ask_stop(found["job"], owner)

    def remove(self, owner: str, draft: str) -> None:
        """Throw a list away; campaigns that were made of it stay."""
        self.stop(owner, draft)
        self.drafts.remove(owner, draft)

    def table(self, owner: str, draft: str) -> str:
        """The captions as CSV, as `vote new --prompts` and `compare --prompts` read it."""
        found = self.drafts.get(owner, draft)
        return table_of(kept_in(found), found["task"], found["split"])

    def make_campaign(
        self, owner: str, draft: str, *, model: Any, takes: Any = TAKES, **wishes: Any
    ) -> str:
        """Put every caption before listeners: so many sounds of each, labelled; the campaign's id.

        Args:
            model: whose sounds.
            takes: sounds of each caption.
            wishes: further ones of `studio.services.campaigns.request.Wishes`.

        Raises:
            StudioError: a caption's order is not known, or the campaign cannot be made.
        """
        found = self.drafts.get(owner, draft)
        request = self.campaigns.check(
            rows_of(found),
            systems=[model] if model else [],
            template=f"baton-{found['task']}",
            takes=takes,
            **wishes,
        )
        name = self.campaigns.create(owner, request)
        self.drafts.change(
            owner, draft, lambda now: {**now, "campaigns": [*now["campaigns"], name]}
        )
        return name

    def prompts_of(self, owner: str, draft: str) -> list[str]:
        """The words alone."""
        return [one.text for one in kept_in(self.drafts.get(owner, draft))]

    def with_labels(self, owner: str, prompts: Any) -> Any:
        """The prompts, those that stand in one of the person's lists with their labels and order."""
        if not isinstance(prompts, str):
            return prompts
        known: dict[str, Mapping[str, Any]] = {}
        for draft in self.drafts.latest(owner):
            for one in kept_in(draft):
                known.setdefault(one.text, one.row(draft["split"]))
        return [known.get(" ".join(line.split()), line) for line in prompts.splitlines()]

    def _remember(self, owner: str, wish: Wish, captions: Sequence[Caption]) -> Draft:
        return self.drafts.add(
            owner,
            {
                "title": wish.title,
                "task": wish.task,
                "split": wish.split,
                "seed": wish.seed,
                "by_model": wish.by_model,
                "labels": wish.source.plain(),
                "captions": plain(captions),
                "draws": 0,
                "job": None,
                "campaigns": [],
            },
        )

    def _draw_one(self, found: Draft, captions: Sequence[Caption], number: int) -> Caption:
        source = source_from(found["labels"])
        seed = fork(found["seed"], "another", found["draws"])
        used = {frozenset(one.labels) for one in captions}
        try:
            asks = source.draw(found["task"], 1, split=found["split"], seed=seed, used=used)
        except StudioError as error:
            raise Conflict(
                f"Every group of these labels that belongs to {found['split']} is in the list; "
                "change a caption by hand, or begin a list with more labels."
            ) from error
        [one] = written(source, asks, first=number, seed=seed, by_model=found["by_model"])
        return one

    def _change(
        self, owner: str, draft: str, number: int, how: Callable[[Caption, LabelSource], Caption]
    ) -> dict[str, Any]:
        def change(found: Draft) -> Draft:
            captions = captions_of(found)
            new = how(caption_of(captions, number), source_from(found["labels"]))
            return with_captions(found, replaced(captions, new))

        return self._changed(owner, draft, change)

    def _changed(self, owner: str, draft: str, change: Callable[[Draft], Draft]) -> dict[str, Any]:
        self.drafts.change(owner, draft, change)
        return self.view(owner, draft)

    def _summary(self, found: Draft) -> dict[str, Any]:
        captions = captions_of(found)
        kept = [one for one in captions if not one.is_dropped]
        return {
            "id": found["id"],
            "title": found["title"],
            "task": found["task"],
            "split": found["split"],
            "created_at": found["created_at"],
            "count": len(kept),
            "to_order": sum(needs_order(one, found["task"]) for one in kept),
        }


def captions_of(draft: Draft) -> list[Caption]:
    """All captions of a list, those that were dropped too."""
    return [caption_from(one) for one in draft["captions"]]


def with_captions(draft: Draft, captions: Sequence[Caption]) -> Draft:
    """The list with these captions."""
    return {**draft, "captions": plain(captions)}


def kept_in(draft: Draft) -> list[Caption]:
    """The captions of a list that were not dropped."""
    return [one for one in captions_of(draft) if not one.is_dropped]


def rows_of(draft: Draft) -> list[dict[str, Any]]:
    """The captions as a campaign takes them.

    Raises:
        Conflict: there is none, or an order that labels would depend on is not known.
    """
    kept = kept_in(draft)
    if not kept:
        raise Conflict("Every caption of this list was dropped; bring one back, or add one.")
    if open_ones := [one.number for one in kept if needs_order(one, draft["task"])]:
        raise Conflict(
            f"Nobody has said which order caption {open_ones[0]} promises, so nobody could label "
            f"it ({len(open_ones)} such); say it, or drop the caption."
        )
    return [one.row(draft["split"]) for one in kept]


def table_of(captions: Sequence[Caption], task: str, split: str) -> str:
    """Captions as CSV."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(one.cells(task, split) for one in captions)
    return file.getvalue()
