"""Other programs: each integration imports its library only when it is used."""
