"""Asking for a comparison in a studio of sines, and looking at what it made."""

from studio.visitors import HERE

TWO = {"a": {"model": "embedded"}, "b": {"model": "embedded-clean"}}
DOG = "a dog barks then rain falls"


def ask(services, prompts=DOG, seconds=1, **wishes):
    """Put a comparison in the row; its id."""
    return services.compare(
        HERE, services.check_comparison(prompts, **{**TWO, "seconds": seconds, **wishes})
    )


def compared(services, work, *arguments, **wishes):
    """Ask, work, and look."""
    comparison = ask(services, *arguments, **wishes)
    work(services)
    return services.comparisons.view(comparison)


def note_batches(services):
    """The batches that the engine is asked for from now on, as (model, seeds)."""
    asked, make = [], services.engines.make

    def noted(backend, wanted, **hands):
        asked.append((backend.name, [made.seed for _, made in wanted]))
        yield from make(backend, wanted, **hands)

    services.engines.make = noted
    return asked
