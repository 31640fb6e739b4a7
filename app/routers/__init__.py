"""The URLs: one small typed function each."""
