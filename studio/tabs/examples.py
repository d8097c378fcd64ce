"""Prompts that show what the model is for: everything asked for is there, and in the order asked."""

EXAMPLES = (
    ("A dog barks", "one sound"),
    ("a dog barks followed by a church bell ringing", "two, in order"),
    ("thunder rumbles then rain falls", "two, in order"),
    ("rain falls while a man speaks", "two at once"),
    ("a clock ticks as wind blows", "two at once"),
    ("a car horn honks followed by an engine revving and then a dog barks", "three, in order"),
    ("someone knocks on a door then a dog barks followed by a man speaking", "three, in order"),
    ("birds chirp with waves crashing on the shore", "two at once"),
)
