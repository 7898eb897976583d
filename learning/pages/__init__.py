"""Pages for those who curate and train, by noun."""
