"""The ways in which a request is turned away, each with the HTTP status that tells programs why."""

from pipelines.errors import StudioError


class NotAllowed(StudioError):
    """Who asks may not: no passphrase, not joined, a wrong nonce."""

    status = 403


class Unknown(StudioError):
    """What is asked about is not here."""

    status = 404


class Conflict(StudioError):
    """It cannot be done as things stand: closed, already voted, revealed, not heard enough."""

    status = 409


class TooLarge(StudioError):
    """More was sent than is read."""

    status = 413


class TooFast(StudioError):
    """More requests than a person makes."""

    status = 429


class NotStored(StudioError):
    """The database refused; nothing was stored."""

    status = 503


def status_of(error: StudioError) -> int:
    """The status that a person's fault is answered with; 400 unless its kind says otherwise."""
    return getattr(error, "status", 400)
