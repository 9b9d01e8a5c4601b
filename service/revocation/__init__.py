"""Revokes what follows from a compromise: first a preview, then the events, and a receipt of them."""
