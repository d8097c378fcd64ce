"""Campaigns: what is asked of whom, made out of prompts and models, or of folders of sounds."""

from dataclasses import dataclass

from studio.store.store import Store


@dataclass(frozen=True)
class Campaigns:
    """Checks, makes, lists and closes campaigns."""

    store: Store
