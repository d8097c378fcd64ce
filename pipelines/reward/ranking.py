"""How often the aligned sound is put first: counted once, then weighed for each draw of prompts."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Who meets whom, and how often the 1 wins, between every two prompts.

    A bootstrap draws whole prompts, so a figure of a draw is a weighing of these counts: what
    `metrics.area_under_curve` and `metrics.order_within_prompts` give for the drawn rows, much
    sooner.
    """

    prompts: np.ndarray  # [rows], the number of each row's prompt, from 0
    sizes: np.ndarray  # [prompts], rows of each
    meetings: (
        np.ndarray
    )  # [prompts, prompts], of the ones of the first with the noughts of the other
    wins: np.ndarray  # [prompts, prompts], of these

    def __call__(self, at: np.ndarray) -> float:
        """The share of meetings that the 1 wins among rows of whole prompts; nan without any.

        Args:
            at: the places of the rows; a prompt drawn twice has its rows twice.
        """
        times = np.bincount(self.prompts[at], minlength=len(self.sizes)) / self.sizes
        meetings = float(times @ self.meetings @ times)
        return float(times @ self.wins @ times) / meetings if meetings else float("nan")


def ranking(
    rewards: np.ndarray, labels: np.ndarray, prompts: np.ndarray, within: np.ndarray
) -> Ranking:
    """The ranking of sounds by rewards; equal rewards are half a win.

    Args:
        rewards: [rows].
        labels: [rows], 0 or 1.
        prompts: [rows], the number of each row's prompt, from 0, none left out.
        within: [rows]; only rows that are equal here are compared: the prompts themselves, folds, or
            one number for all.
    """
    one, nought = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    meet = np.equal.outer(within[one], within[nought])
    gaps = np.sign(np.subtract.outer(rewards[one], rewards[nought]))
    shape = (int(prompts.max()) + 1,) * 2
    found = [np.zeros(shape), np.zeros(shape)]
    for sums, values in zip(found, (meet.astype(float), meet * (gaps + 1) / 2), strict=True):
        np.add.at(sums, np.ix_(prompts[one], prompts[nought]), values)
    return Ranking(prompts, np.bincount(prompts), *found)
