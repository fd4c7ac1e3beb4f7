"""Members of staff: their accounts, signing in, and what each may do."""
