"""What follows from a compromise: the tokens, changes, clients, secrets, sessions and authorizations downstream of one thing."""
