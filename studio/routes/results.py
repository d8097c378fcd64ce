"""What a campaign's votes say and hold, under /studio/results: figures, tables, files to take away."""

from studio.routes.door import Answer

TABLE: list[tuple[str, str, Answer]] = []
