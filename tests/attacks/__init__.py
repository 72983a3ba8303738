"""What a hostile app, a hostile host or a hostile user may try, and what comes of it."""
