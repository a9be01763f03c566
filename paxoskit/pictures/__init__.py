"""Pictures: graph objects of a world that anyone can take and draw, and static drawings of them."""
