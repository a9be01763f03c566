"""What a node is and what it says: pure code, with no clock, dice, thread, socket or file."""
