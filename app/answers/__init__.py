"""Answers that are worked out for a question rather than looked up: each module holds one, with its shape."""
