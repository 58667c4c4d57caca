"""The clinic's routes, a file each. Every one but `/health` and sign-in names what it needs."""
