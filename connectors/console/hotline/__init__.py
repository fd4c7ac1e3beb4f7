"""The hotline's console: search to read aloud, dossiers, the book of calls, conversations that wait for a person."""
