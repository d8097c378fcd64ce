"""Tests of the headless science."""
