"""Vote: what to ask next, and what the answers say: ratings, intervals, agreement, reliability."""
