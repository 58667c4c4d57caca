"""Reading the event log: `stockade events tail` and `stockade events stats`.

`reading` turns files into events, `follow` goes on with a file that grows, `choice` says which
events are wanted, `counting` adds them up, `showing` and `report` say it to people and programs.
"""
