"""Headless science: generate, vote, reward, finetune, compare. Knows no screen and no database."""
