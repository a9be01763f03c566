"""The properties of each exercise, and what they are judged with."""
