"""The door for votes, under /studio/vote: join, the next serving, sounds by token, votes, reveals."""

from studio.routes.door import Answer

TABLE: list[tuple[str, str, Answer]] = []
