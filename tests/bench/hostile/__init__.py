"""Hostile requests at every door for programs: what they are, and what a service makes of a hundred thousand of them."""
