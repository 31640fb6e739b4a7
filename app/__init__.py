"""Fasti: a historical knowledge base as a typed REST API in which every fact cites the words it rests on."""

__version__ = "0.1.0"
