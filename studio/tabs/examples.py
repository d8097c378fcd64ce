"""Prompts that show what the model is for: everything asked for is there, and in the order asked."""

# At most 60 characters each, which is what Gradio shows; one, two and three events.
EXAMPLES = (
    "a dog barks",
    "a dog barks followed by a church bell ringing",
    "thunder rumbles then rain falls",
    "rain falls while a man speaks",
    "a clock ticks then a cat meows followed by a dog barking",
    "a dog barks followed by a bell tolling then rain falls",
)
