"""What it takes to make candidates: requests into batches, batches into sounds, sounds judged."""
