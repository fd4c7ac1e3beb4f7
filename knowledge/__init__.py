"""What is known: the catalogue of procedures, its search and its answers.

This package imports nothing else of ours. ``knowledge.text`` uses only the
standard library, so the Rasa environment (older Python, older libraries) can
import it too.
"""
