"""The state of a dossier: recognise its code, look it up, prove the right to know, explain it in plain words."""
