"""What the votes of a campaign say, and how far they can be relied on."""
