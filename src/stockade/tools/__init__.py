"""For people: the command line and what it runs. Only here is anything printed."""
