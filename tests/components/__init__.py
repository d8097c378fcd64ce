"""Tests of the page's building blocks."""
