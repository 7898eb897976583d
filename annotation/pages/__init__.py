"""The pages of review: the desk, and what stands around it."""
