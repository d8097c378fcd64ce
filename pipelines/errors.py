"""What can go wrong that the person can put right."""


class StudioError(Exception):
    """A fault the person can fix; its text is shown to them unchanged.

    The message says what was got, what is allowed, and what to do, with numbers and units.
    """


class Cancelled(StudioError):
    """The person asked for a stop; work ended between two steps and left nothing half done."""

    def __init__(self, message: str = "Stopped, as asked.") -> None:
        super().__init__(message)
