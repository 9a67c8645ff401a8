"""A local stand-in for SendGrid with a mailbox to look at, a time machine, and an embedded Redis."""
