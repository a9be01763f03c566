"""Is it right? Claims are predicates over events that return a reason, with the events that show it."""
