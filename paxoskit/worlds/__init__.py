"""Where nodes live: worlds know what may happen next, and somebody chooses."""
