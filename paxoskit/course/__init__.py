"""What a lesson asks of a learner: a prediction that is locked, a story that breaks a claim, the way so far."""
