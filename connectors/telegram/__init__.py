"""Telegram: a bot's messages in, by webhook or fetched, and answers out. See ``docs/telegram.md``."""
