"""What the assistant understands and how it leads a talk; runs inside the Rasa server (Python 3.10)."""
