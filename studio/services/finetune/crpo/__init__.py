"""CRPO behind the page: a run whose model ranks candidates of its own, iteration by iteration."""
