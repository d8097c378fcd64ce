"""The application: the store, the use-cases, long work outside the request, the page, the command line."""
