"""The parent's side."""
