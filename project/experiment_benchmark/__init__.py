"""What experiments cost: an analysis as units come in, and an assignment."""
