"""From label groups to captions that a person has looked at, and on to labelling."""
