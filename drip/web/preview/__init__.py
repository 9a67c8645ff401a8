"""The preview: letters in the browser of whoever writes them, as the files say, live while they are edited.

It shares no state with the public pages, answers to this machine alone, and has no way to change anything.
"""
