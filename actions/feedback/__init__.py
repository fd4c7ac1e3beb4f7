"""Satisfaction: what people say of answers and of the service, and what officers make of it."""
