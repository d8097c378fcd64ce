"""BATON as a procedure: rows from labels and rewards, the base's own data, alignment, its study."""
