"""Tests of the application, over engines of sines."""
