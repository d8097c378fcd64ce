"""One vote from the serving to the disk: what is shown, what was heard, what counts."""
