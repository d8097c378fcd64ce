"""Votes out and in: forms, tables, data sets, the Hub, and what comes from elsewhere."""
