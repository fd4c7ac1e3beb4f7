"""Search over the catalogue: which procedure does this person mean?"""
