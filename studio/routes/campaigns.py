"""Campaigns over HTTP, under /studio/campaigns: the list, one of them, close and open again."""

from studio.routes.door import Answer

TABLE: list[tuple[str, str, Answer]] = []
